// Durable Objects: the bindings, and what the migrations make of their classes.
import type { DurableObjectBinding } from '../project.ts';
import { memberKeys } from './keys.table.ts';
import { requireMember } from './modules.ts';
import type { Report } from './report.ts';
import { memberSlot, readArray, readString, readStrings, readTable, readText, warnUnknown, type Slot } from './slot.ts';

/** A binding with the place it is written at. */
export interface PlacedDurableObject extends DurableObjectBinding {
  slot: Slot;
}

/** Reads `durable_objects.bindings`; `name` is the Worker's own, which `script_name` may repeat. */
export function readDurableObjects(
  slots: { bindings: Slot | undefined; migrations: Slot | undefined },
  { name }: { name: string | undefined },
  report: Report,
): PlacedDurableObject[] {
  const classes = readMigrations(slots.migrations, report);
  readTable(slots.bindings, report);
  warnUnknown(slots.bindings, memberKeys.durable_objects, report);
  return readArray(memberSlot(slots.bindings, 'bindings'), report).flatMap((slot) => {
    if (readTable(slot, report) === undefined) return [];
    warnUnknown(slot, memberKeys.durable_object, report);
    const binding = readText(requireMember(slot, 'name', report), report);
    const className = readText(requireMember(slot, 'class_name', report), report);
    const script = memberSlot(slot, 'script_name');
    const scriptName = readString(script, report);
    if (binding === undefined || className === undefined) return [];
    if (script !== undefined && scriptName !== undefined && scriptName !== name) {
      report.error(script.path, 'foreign_durable_object', { binding, script: scriptName });
      return [];
    }
    const sqlite = classes.get(className);
    if (sqlite === undefined) report.warning([...slot.path, 'class_name'], 'missing_migration', { className });
    return [{ binding, className, sqlite: sqlite ?? false, slot }];
  });
}

/** The classes that exist after every migration, and whether each keeps its data in SQLite. */
function readMigrations(slot: Slot | undefined, report: Report): Map<string, boolean> {
  const classes = new Map<string, boolean>();
  for (const migration of readArray(slot, report)) {
    if (readTable(migration, report) === undefined) continue;
    warnUnknown(migration, memberKeys.migration, report);
    readString(requireMember(migration, 'tag', report), report);
    for (const name of readStrings(memberSlot(migration, 'new_classes'), report)) classes.set(name, false);
    for (const name of readStrings(memberSlot(migration, 'new_sqlite_classes'), report)) classes.set(name, true);
    for (const name of readStrings(memberSlot(migration, 'deleted_classes'), report)) classes.delete(name);
    for (const renamed of readArray(memberSlot(migration, 'renamed_classes'), report)) {
      const { from, to } = readMove(renamed, report);
      if (from === undefined || to === undefined) continue;
      const sqlite = classes.get(from) ?? false;
      classes.delete(from);
      classes.set(to, sqlite);
    }
    for (const transferred of readArray(memberSlot(migration, 'transferred_classes'), report)) {
      const { to } = readMove(transferred, report);
      if (to !== undefined) classes.set(to, false);
    }
  }
  return classes;
}

function readMove(slot: Slot, report: Report): { from: string | undefined; to: string | undefined } {
  if (readTable(slot, report) === undefined) return { from: undefined, to: undefined };
  return {
    from: readText(requireMember(slot, 'from', report), report),
    to: readText(requireMember(slot, 'to', report), report),
  };
}
