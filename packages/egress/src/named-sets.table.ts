// What each named set of a policy holds, as data: ranges, and for some sets names.
//
// Sources: the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 as updated), the IANA IPv6 address space
// registry, and the cloud vendors' manuals for `metadata`. Every address is in exactly one of the sets, except that
// `cloudflare` lies inside `public`, and `routed` depends on the tunnels. `metadata` is carved out of the sets around it: `allow private` must not open
// fd00:ec2::254, nor `allow public` 168.63.129.16.
import { cloudflareRanges } from './cloudflare-ranges.table.ts';

/** The names a policy entry may use for a set of addresses. */
export type NamedSet =
  | 'loopback'
  | 'private'
  | 'link-local'
  | 'metadata'
  | 'cgnat'
  | 'multicast'
  | 'reserved'
  | 'cloudflare'
  | 'public'
  | 'routed';

export interface NamedSetData {
  readonly ranges: readonly string[];
  /** Ranges taken out again. */
  readonly except?: readonly string[];
  /** Sets taken out again. */
  readonly exceptSets?: readonly NamedSet[];
  /** Names that mean this set whatever DNS says; a leading `*.` stands for one or more labels. */
  readonly names?: readonly string[];
}

export const namedSets: Readonly<Record<NamedSet, NamedSetData>> = {
  // Linux connects 0.0.0.0 and :: to loopback, so they count as loopback [RFC 1122 3.2.1.3, RFC 4291 2.5.2, RFC 6761 6.3].
  loopback: {
    ranges: ['127.0.0.0/8', '0.0.0.0/8', '::1/128', '::/128'],
    names: ['localhost', '*.localhost'],
  },
  // RFC 1918, unique local [RFC 4193], site-local [RFC 3879: deprecated, still to be treated as local].
  private: {
    ranges: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fec0::/10'],
    exceptSets: ['metadata'],
  },
  'link-local': { ranges: ['169.254.0.0/16', 'fe80::/10'], exceptSets: ['metadata'] },
  metadata: {
    ranges: [
      '169.254.169.254/32', // AWS, Google, Azure, DigitalOcean, Hetzner, OpenStack, Oracle
      '169.254.169.253/32', // AWS resolver
      '169.254.170.2/32', // AWS ECS task credentials
      '169.254.170.23/32', // AWS EKS pod identity
      '169.254.0.23/32', // Tencent
      '169.254.42.42/32', // Scaleway
      '100.100.100.200/32', // Alibaba
      '168.63.129.16/32', // Azure WireServer: a public address that only the host answers
      '192.0.0.192/32', // Oracle Classic
      'fd00:ec2::254/128', // AWS
      'fd00:ec2::253/128', // AWS resolver
      'fd00:ec2::23/128', // AWS EKS pod identity
      'fd00:42::42/128', // Scaleway
      'fd20:ce::254/128', // Google
    ],
    names: [
      'metadata',
      'metadata.google.internal',
      'metadata.goog',
      'metadata.azure.internal',
      'metadata.azure.com',
      'metadata.tencentyun.com',
      'metadata.oraclecloud.com',
      'metadata.platformequinix.com',
      'instance-data',
      'instance-data.ec2.internal',
    ],
  },
  cgnat: { ranges: ['100.64.0.0/10'], exceptSets: ['metadata'] },
  multicast: { ranges: ['224.0.0.0/4', 'ff00::/8'] },
  reserved: {
    ranges: [
      '192.0.0.0/24', // IETF protocol assignments
      '192.0.2.0/24', // documentation, like the two below
      '198.51.100.0/24',
      '203.0.113.0/24',
      '192.88.99.0/24', // 6to4 relays
      '198.18.0.0/15', // benchmarking
      '240.0.0.0/4', // future use, and broadcast
      '2001::/23', // IETF protocol assignments, among them Teredo and benchmarking
      '2001:db8::/32', // documentation
      '3fff::/20', // documentation
      '2002::/16', // 6to4
      // All that IANA has not opened for global unicast: compatible, translated, local NAT64, discard, SRv6 ...
      '::/8',
      '100::/8',
      '200::/7',
      '400::/6',
      '800::/5',
      '1000::/4',
      '4000::/2',
      '8000::/2',
      'c000::/3',
      'e000::/4',
      'f000::/5',
      'f800::/6',
      'fe00::/9',
    ],
    // NAT64 of the global internet: hosts with IPv6 only reach all of IPv4 through it [RFC 6052 2.1].
    except: ['::/128', '::1/128', '64:ff9b::/96'],
    exceptSets: ['metadata'],
  },
  cloudflare: { ranges: cloudflareRanges },
  // No addresses of its own: what a tunnel route covers, which only the edge that has the routes can tell.
  routed: { ranges: [] },
  public: {
    ranges: ['0.0.0.0/0', '2000::/3', '64:ff9b::/96'],
    exceptSets: ['loopback', 'private', 'link-local', 'metadata', 'cgnat', 'multicast', 'reserved'],
  },
};
