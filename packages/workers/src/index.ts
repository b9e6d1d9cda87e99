/**
 * From a wrangler project to a running workerd: configuration, bundling, and supervision.
 *
 * @module
 */
export type { Bundle, BundleModule, ModuleType, SourceDiagnostic } from './bundle/bundle.ts';
export { BuildError } from './bundle/build-error.ts';
export { type Bundler, type BundlerOptions, createBundler } from './bundle/bundler.ts';
export { WorkersError, type WorkersErrorCode } from './errors.ts';
export type {
  ChannelBinding,
  DatabaseLocation,
  Diagnostic,
  DurableObjectBinding,
  HyperdriveBinding,
  Json,
  ModuleRule,
  Project,
  QueueConsumer,
  SslMode,
  VpcNetworkBinding,
  VpcServiceBinding,
} from './project.ts';
export type { LogLevel, RuntimeException, RuntimeLog } from './runtime/runtime-log.ts';
export { type Runtime, type RuntimeExit, type RuntimeOptions, startRuntime } from './runtime/runtime.ts';
export { type ProjectWatcher, type WatchOptions, watchProject } from './runtime/watch.ts';
export { edgeHeaders, type HyperdriveChannel, type VpcChannel } from './runtime/workerd-config.ts';
export {
  addResource,
  findBoundId,
  findEditableConfig,
  type NewResource,
  toResourceText,
} from './config/add-resource.ts';
export { parseCron, type CronSchedule } from './config/cron.ts';
export { parseConnectionString, type ConnectionString } from './config/connection-string.ts';
export { formatDiagnostics, type FormatOptions } from './config/format.ts';
export { loadProject, type LoadedProject, type LoadProjectOptions } from './config/load-project.ts';
