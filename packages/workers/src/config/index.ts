/**
 * For this repository's own configuration files: reading TOML or JSON into checked values, each problem at its place.
 *
 * @module
 */
export { type ConfigFile, readConfigFile } from './read-config.ts';
export { formatPath } from './position.ts';
export type { Report } from './report.ts';
export {
  memberSlot,
  readArray,
  readBoolean,
  readInteger,
  readString,
  readStrings,
  readTable,
  readText,
  type Slot,
  warnUnknown,
} from './slot.ts';
