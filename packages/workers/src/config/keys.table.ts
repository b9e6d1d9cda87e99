// Every key wrangler knows and what becomes of it here [wrangler 4.125 configuration].
//
// used: it shapes the project. ignored: it matters only on Cloudflare's network, or changes nothing a Worker can see.
// unsupported: a Worker would behave differently without it, so saying nothing would be a lie.

/** What an environment does with a key it does not set: takes the top level's, goes without, or may not set it. */
export type Inheritance = 'inherited' | 'repeated' | 'top-level';

export interface KeyRow {
  inheritance: Inheritance;
  handling: 'used' | 'ignored' | 'unsupported';
  /** What the key is for, in the words of an error about it. */
  note: string;
}

const inherited = { inheritance: 'inherited' } as const;
const repeated = { inheritance: 'repeated' } as const;
const topLevel = { inheritance: 'top-level' } as const;
const used = { handling: 'used' } as const;
const ignored = { handling: 'ignored' } as const;
const unsupported = { handling: 'unsupported' } as const;

export const configKeys: Readonly<Record<string, KeyRow>> = {
  // Top level only.
  $schema: { ...topLevel, ...ignored, note: 'for editors' },
  env: { ...topLevel, ...used, note: 'environments' },
  dev: { ...topLevel, ...used, note: 'the development server; only ip and port matter here' },
  alias: { ...topLevel, ...used, note: 'module aliases' },
  keep_vars: { ...topLevel, ...ignored, note: 'deploying' },
  send_metrics: { ...topLevel, ...ignored, note: 'telemetry of wrangler' },
  dependencies_instrumentation: { ...topLevel, ...ignored, note: 'telemetry of wrangler' },
  legacy_env: { ...topLevel, ...ignored, note: 'an older way to deploy environments' },
  addresses: { ...topLevel, ...ignored, note: 'e-mail routing, set up when deploying' },
  site: { ...topLevel, ...unsupported, note: 'Workers Sites' },
  wasm_modules: { ...topLevel, ...unsupported, note: 'WebAssembly as a binding; import the module instead' },
  text_blobs: { ...topLevel, ...unsupported, note: 'text as a binding; import the file instead' },
  data_blobs: { ...topLevel, ...unsupported, note: 'data as a binding; import the file instead' },
  pages_build_output_dir: { ...topLevel, ...unsupported, note: 'Pages projects' },

  // Taken over by environments.
  name: { ...inherited, ...used, note: 'the name of the Worker' },
  main: { ...inherited, ...used, note: 'the entry module' },
  compatibility_date: { ...inherited, ...used, note: 'the date whose behaviour the runtime keeps' },
  compatibility_flags: { ...inherited, ...used, note: 'behaviour switched on or off by name' },
  rules: { ...inherited, ...used, note: 'how files are imported' },
  tsconfig: { ...inherited, ...used, note: 'the TypeScript configuration' },
  jsx_factory: { ...inherited, ...used, note: 'what JSX elements become' },
  jsx_fragment: { ...inherited, ...used, note: 'what JSX fragments become' },
  minify: { ...inherited, ...used, note: 'shorter bundles' },
  keep_names: { ...inherited, ...used, note: 'names of functions and classes in bundles' },
  no_bundle: { ...inherited, ...used, note: 'running modules as they are' },
  find_additional_modules: { ...inherited, ...used, note: 'modules left beside the bundle' },
  build: { ...inherited, ...used, note: 'the build step of the project' },
  triggers: { ...inherited, ...used, note: 'cron triggers' },
  migrations: { ...inherited, ...used, note: 'the history of Durable Object classes' },
  base_dir: { ...inherited, ...unsupported, note: 'the folder that module names start at' },
  exports: { ...inherited, ...unsupported, note: 'Durable Object classes without migrations; use migrations' },
  assets: { ...inherited, ...unsupported, note: 'static assets' },
  account_id: { ...inherited, ...ignored, note: 'the Cloudflare account' },
  workers_dev: { ...inherited, ...ignored, note: 'the workers.dev address' },
  preview_urls: { ...inherited, ...ignored, note: 'addresses of versions' },
  previews: { ...inherited, ...ignored, note: 'settings of preview deployments' },
  route: { ...inherited, ...ignored, note: 'where a deployed Worker answers' },
  routes: { ...inherited, ...ignored, note: 'where a deployed Worker answers' },
  limits: { ...inherited, ...ignored, note: 'CPU limits of deployed Workers' },
  placement: { ...inherited, ...ignored, note: 'where a deployed Worker runs' },
  observability: { ...inherited, ...ignored, note: 'logs and traces of deployed Workers' },
  logpush: { ...inherited, ...ignored, note: 'log delivery' },
  logfwdr: { ...inherited, ...ignored, note: 'log delivery' },
  upload_source_maps: { ...inherited, ...ignored, note: 'deploying' },
  preserve_file_names: { ...inherited, ...ignored, note: 'names of uploaded modules' },
  python_modules: { ...inherited, ...ignored, note: 'which Python files are uploaded' },
  first_party_worker: { ...inherited, ...ignored, note: "Cloudflare's own Workers" },
  access: { ...inherited, ...ignored, note: 'who may reach a deployed Worker' },
  cache: { ...inherited, ...ignored, note: 'the cache in front of a deployed Worker' },
  compliance_region: { ...inherited, ...ignored, note: 'where an account lives' },

  // To be repeated by environments.
  define: { ...repeated, ...used, note: 'names replaced in the code' },
  vars: { ...repeated, ...used, note: 'variables' },
  secrets: { ...repeated, ...used, note: 'names of secrets' },
  durable_objects: { ...repeated, ...used, note: 'Durable Objects' },
  queues: { ...repeated, ...used, note: 'queues' },
  tail_consumers: { ...repeated, ...ignored, note: 'Workers that read the log of a deployed Worker' },
  streaming_tail_consumers: { ...repeated, ...ignored, note: 'Workers that read the log of a deployed Worker' },
  kv_namespaces: { ...repeated, ...unsupported, note: 'Workers KV' },
  r2_buckets: { ...repeated, ...unsupported, note: 'R2 storage' },
  d1_databases: { ...repeated, ...unsupported, note: 'D1 databases' },
  hyperdrive: { ...repeated, ...used, note: 'pooled databases' },
  vpc_services: { ...repeated, ...used, note: 'private services' },
  vpc_networks: { ...repeated, ...used, note: 'private networks' },
  services: { ...repeated, ...unsupported, note: 'other Workers as bindings' },
  connect: { ...repeated, ...unsupported, note: 'inbound TCP' },
  workflows: { ...repeated, ...unsupported, note: 'Workflows' },
  containers: { ...repeated, ...unsupported, note: 'containers' },
  cloudchamber: { ...repeated, ...unsupported, note: 'containers' },
  send_email: { ...repeated, ...unsupported, note: 'sending e-mail' },
  vectorize: { ...repeated, ...unsupported, note: 'Vectorize indexes' },
  ai: { ...repeated, ...unsupported, note: 'Workers AI' },
  ai_search: { ...repeated, ...unsupported, note: 'AI Search' },
  ai_search_namespaces: { ...repeated, ...unsupported, note: 'AI Search' },
  agent_memory: { ...repeated, ...unsupported, note: 'agent memory' },
  websearch: { ...repeated, ...unsupported, note: 'web search' },
  analytics_engine_datasets: { ...repeated, ...unsupported, note: 'Analytics Engine' },
  browser: { ...repeated, ...unsupported, note: 'Browser Rendering' },
  images: { ...repeated, ...unsupported, note: 'Images' },
  media: { ...repeated, ...unsupported, note: 'media transformations' },
  stream: { ...repeated, ...unsupported, note: 'Stream' },
  version_metadata: { ...repeated, ...unsupported, note: 'the version as a binding' },
  mtls_certificates: { ...repeated, ...used, note: 'client certificates as bindings' },
  dispatch_namespaces: { ...repeated, ...unsupported, note: 'Workers for Platforms' },
  pipelines: { ...repeated, ...unsupported, note: 'Pipelines' },
  secrets_store_secrets: { ...repeated, ...unsupported, note: 'the Secrets Store' },
  artifacts: { ...repeated, ...unsupported, note: 'Artifacts' },
  flagship: { ...repeated, ...unsupported, note: 'feature flags' },
  ratelimits: { ...repeated, ...unsupported, note: 'rate limits as bindings' },
  worker_loaders: { ...repeated, ...unsupported, note: 'loading Workers at run time' },
  unsafe: { ...repeated, ...unsupported, note: 'unsafe bindings' },
  unsafe_hello_world: { ...repeated, ...unsupported, note: 'a test binding' },
};

/** What build tools add to a configuration they generate (`.wrangler/deploy/config.json` leads to it). */
export const generatedKeys: readonly string[] = [
  'configPath',
  'userConfigPath',
  'topLevelName',
  'definedEnvironments',
  'targetEnvironment',
];

/** The keys of the objects that are read here; other keys in them are reported as unknown. */
export const memberKeys = {
  dev: [
    'ip',
    'port',
    'inspector_port',
    'inspector_ip',
    'local_protocol',
    'upstream_protocol',
    'host',
    'enable_containers',
    'container_engine',
    'generate_types',
  ],
  build: ['command', 'cwd', 'watch_dir'],
  triggers: ['crons', 'events'],
  secrets: ['required'],
  queues: ['producers', 'consumers'],
  consumer: [
    'queue',
    'type',
    'max_batch_size',
    'max_batch_timeout',
    'max_retries',
    'dead_letter_queue',
    'max_concurrency',
    'visibility_timeout_ms',
    'retry_delay',
  ],
  rule: ['type', 'globs', 'fallthrough'],
  hyperdrive: ['binding', 'id', 'localConnectionString', 'remote'],
  vpc_service: ['binding', 'service_id', 'errors', 'remote'],
  vpc_network: ['binding', 'tunnel_id', 'network_id', 'errors', 'remote'],
  mtls_certificate: ['binding', 'certificate_id', 'remote'],
  durable_objects: ['bindings'],
  durable_object: ['name', 'class_name', 'script_name', 'environment', 'remote'],
  migration: ['tag', 'new_classes', 'new_sqlite_classes', 'renamed_classes', 'deleted_classes', 'transferred_classes'],
} as const;
