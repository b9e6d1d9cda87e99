// Bindings to private services and networks, and to client certificates.
import type { MtlsCertificateBinding, VpcNetworkBinding, VpcServiceBinding } from '../project.ts';
import { memberKeys } from './keys.table.ts';
import { requireMember } from './modules.ts';
import { formatPath } from './position.ts';
import type { Report } from './report.ts';
import { memberSlot, readArray, readBoolean, readTable, readText, type Slot, warnUnknown } from './slot.ts';
import { describeValue, isTable } from './value.ts';

/** A binding with the place it is written at. */
type Placed<Binding> = Binding & { slot: Slot };

export function readVpcServices(slot: Slot | undefined, report: Report): Placed<VpcServiceBinding>[] {
  return readArray(slot, report).flatMap((element) => {
    const binding = readBinding(element, memberKeys.vpc_service, report);
    const serviceId = readText(requireMember(element, 'service_id', report), report);
    const throws = readThrows(element, report);
    return binding === undefined || serviceId === undefined ? [] : [{ binding, serviceId, throws, slot: element }];
  });
}

export function readVpcNetworks(slot: Slot | undefined, report: Report): Placed<VpcNetworkBinding>[] {
  return readArray(slot, report).flatMap((element) => {
    const binding = readBinding(element, memberKeys.vpc_network, report);
    if (!isTable(element.value)) return [];
    const ids = [memberSlot(element, 'tunnel_id'), memberSlot(element, 'network_id')];
    const count = ids.filter((each) => each !== undefined).length;
    if (count !== 1) report.error(element.path, 'network_unclear', { key: formatPath(element.path), count });
    const [tunnelId, networkId] = ids.map((each) => readText(each, report));
    const throws = readThrows(element, report);
    if (binding === undefined || count !== 1 || (tunnelId ?? networkId) === undefined) return [];
    const network = tunnelId === undefined ? { networkId: networkId! } : { tunnelId };
    return [{ binding, network, throws, slot: element }];
  });
}

export function readMtlsCertificates(slot: Slot | undefined, report: Report): Placed<MtlsCertificateBinding>[] {
  return readArray(slot, report).flatMap((element) => {
    const binding = readBinding(element, memberKeys.mtls_certificate, report);
    const certificateId = readText(requireMember(element, 'certificate_id', report), report);
    return binding === undefined || certificateId === undefined ? [] : [{ binding, certificateId, slot: element }];
  });
}

function readBinding(element: Slot, known: readonly string[], report: Report): string | undefined {
  if (readTable(element, report) === undefined) return undefined;
  warnUnknown(element, known, report);
  // Every binding is local here, whatever it says.
  readBoolean(memberSlot(element, 'remote'), report);
  return readText(requireMember(element, 'binding', report), report);
}

/** Ours, and left alone by wrangler with a warning. */
function readThrows(element: Slot, report: Report): boolean {
  const slot = memberSlot(element, 'errors');
  const text = readText(slot, report);
  if (text === undefined || text === 'respond' || text === 'throw') return text === 'throw';
  const key = formatPath(slot!.path);
  report.error(slot!.path, 'invalid_value', { key, found: describeValue(text), expected: '"respond" or "throw"' });
  return false;
}
