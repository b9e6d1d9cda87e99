// Every error and diagnostic of this package, one row a code: whose it is, what happened, and what to do about it.
//
// To add one, add a row; the parameter of `message` says which details the code needs, and both `new WorkersError(code,
// details)` and the configuration's diagnostics are checked against it.

/** One kind of failure. */
export interface ErrorRow<Details> {
  /** 'user': something in the project has to change. 'system': a fault of Sallyport or of the machine. */
  kind: 'user' | 'system';
  /** What happened, with which value. */
  message: (details: Details) => string;
  /** What to do about it. */
  remedy: string | ((details: Details) => string);
}

const minimalConfig = '{ "name": "my-worker", "main": "src/index.ts", "compatibility_date": "2026-11-17" }';

export const errorTable = {
  config_not_found: {
    kind: 'user',
    message: (d: { looked: string; from: string }): string => `no ${d.looked} in ${d.from} or any folder above it`,
    remedy: (): string =>
      `Run this in a Worker project, name the file with --config, or write a wrangler.jsonc: ${minimalConfig}`,
  },
  config_missing: {
    kind: 'user',
    message: (d: { file: string }): string => `there is no configuration file ${d.file}`,
    remedy: 'Check the path given with --config; it starts at the current folder.',
  },
  config_unreadable: {
    kind: 'user',
    message: (d: { file: string; reason: string }): string => `${d.file} could not be read: ${d.reason}`,
    remedy: 'Make it a regular file that you may read.',
  },
  config_extension: {
    kind: 'user',
    message: (d: { file: string }): string => `${d.file} is neither .json, .jsonc nor .toml`,
    remedy: 'Rename the file after its format: wrangler.json, wrangler.jsonc or wrangler.toml.',
  },
  config_too_large: {
    kind: 'user',
    message: (d: { file: string; limit: number }): string => `${d.file} is larger than ${d.limit} bytes`,
    remedy: 'A configuration is a few kilobytes: check that this is the right file.',
  },
  config_not_text: {
    kind: 'user',
    message: (d: { file: string }): string => `${d.file} is not UTF-8 text`,
    remedy: 'Save the file as UTF-8, or check that it is the right file.',
  },
  config_syntax: {
    kind: 'user',
    message: (d: { problem: string }): string => d.problem,
    remedy: 'Correct the file at this place.',
  },
  invalid_setting: {
    kind: 'user',
    message: (d: { key: string; problem: string; remedy: string }): string => `${d.key}: ${d.problem}`,
    remedy: (d: { remedy: string }): string => d.remedy,
  },
  config_too_deep: {
    kind: 'user',
    message: (d: { limit: number }): string => `values are nested more than ${d.limit} levels deep`,
    remedy: 'Flatten the configuration.',
  },
  config_not_object: {
    kind: 'user',
    message: (d: { found: string }): string => `the configuration has to be an object but is ${d.found}`,
    remedy: (): string => `Start the file with { and end it with }, as in ${minimalConfig}`,
  },
  forbidden_key: {
    kind: 'user',
    message: (d: { key: string }): string => `${d.key} is not allowed as a key`,
    remedy: 'Rename or remove the key.',
  },
  duplicate_key: {
    kind: 'user',
    message: (d: { key: string }): string => `${d.key} is set more than once; the last one counts`,
    remedy: 'Keep one of them.',
  },
  redirect_invalid: {
    kind: 'user',
    message: (d: { file: string }): string => `${d.file} does not say which configuration to use`,
    remedy: 'Build the project again, or delete the .wrangler folder: the file should hold { "configPath": "…" }.',
  },
  redirect_missing: {
    kind: 'user',
    message: (d: { file: string; target: string }): string =>
      `${d.file} redirects to ${d.target}, which does not exist`,
    remedy: 'Build the project again, or delete the .wrangler folder.',
  },
  redirect_cycle: {
    kind: 'user',
    message: (d: { file: string }): string => `${d.file} redirects to itself`,
    remedy: 'Build the project again, or delete the .wrangler folder.',
  },
  redirect_ambiguous: {
    kind: 'user',
    message: (d: { file: string; user: string }): string =>
      `${d.user} and the redirect ${d.file} belong to different folders, so it is not clear which one to use`,
    remedy: 'Run this in the folder of the project you mean, or name the file with --config.',
  },
  redirect_environment: {
    kind: 'user',
    message: (d: { asked: string; built: string }): string =>
      `the environment ${d.asked} was asked for, but the project was built for ${d.built}`,
    remedy: (d: { asked: string; built: string }): string => `Build the project again for ${d.asked}.`,
  },
  redirect_environments: {
    kind: 'user',
    message: (): string => 'a generated configuration cannot have environments',
    remedy: 'Report this to the author of the build tool that wrote the file.',
  },
  unknown_environment: {
    kind: 'user',
    message: (d: { name: string; known: readonly string[] }): string =>
      d.known.length === 0
        ? `there is no environment ${d.name}: the configuration defines none`
        : `there is no environment ${d.name}; there is ${d.known.join(', ')}`,
    remedy: (d: { name: string }): string =>
      `Correct --env or CLOUDFLARE_ENV, or add "${d.name}" under "env" in the configuration.`,
  },
  environment_name: {
    kind: 'user',
    message: (d: { name: string }): string => `${d.name} cannot be the name of an environment`,
    remedy: 'Use letters, digits, "-", "_" and "." only: the name becomes part of file names.',
  },
  wrong_type: {
    kind: 'user',
    message: (d: { key: string; expected: string; found: string }): string =>
      `${d.key} has to be ${d.expected} but is ${d.found}`,
    remedy: (d: { expected: string; found: string }): string =>
      d.found.startsWith('the date') ? 'Put the value in quotes.' : `Change the value to ${d.expected}.`,
  },
  invalid_value: {
    kind: 'user',
    message: (d: { key: string; found: string; expected: string }): string =>
      `${d.key} cannot be ${d.found}: expected ${d.expected}`,
    remedy: (d: { expected: string }): string => `Change the value to ${d.expected}.`,
  },
  missing_key: {
    kind: 'user',
    message: (d: { key: string }): string => `${d.key} is missing`,
    remedy: (d: { key: string }): string => `Add ${d.key}.`,
  },
  network_unclear: {
    kind: 'user',
    message: (d: { key: string; count: number }): string =>
      `${d.key} says ${d.count === 0 ? 'neither' : 'both'} "tunnel_id" ${d.count === 0 ? 'nor' : 'and'} "network_id"`,
    remedy: (d: { count: number }): string =>
      d.count === 0
        ? 'Add "tunnel_id" for all that one tunnel reaches, or "network_id" for the routes of a virtual network.'
        : 'Leave one of them out: "tunnel_id" is all that one tunnel reaches, "network_id" the routes of a virtual network.',
  },
  main_missing: {
    kind: 'user',
    message: (): string => 'main is missing: nothing says which file is the Worker',
    remedy: 'Add the path of the entry module, for example "main": "src/index.ts".',
  },
  file_missing: {
    kind: 'user',
    message: (d: { key: string; file: string }): string => `${d.key}: there is no file ${d.file}`,
    remedy: 'Correct the path (it starts at the folder of the configuration), or create the file.',
  },
  unknown_key: {
    kind: 'user',
    message: (d: { key: string; suggestion: string | undefined }): string =>
      `${d.key} is not a known key${d.suggestion === undefined ? '' : `; did you mean ${d.suggestion}?`}`,
    remedy: (d: { suggestion: string | undefined }): string =>
      d.suggestion === undefined ? 'Remove it; it has no effect.' : `Rename it to ${d.suggestion}, or remove it.`,
  },
  unsupported_key: {
    kind: 'user',
    message: (d: { key: string; note: string }): string => `${d.key} is not supported yet: ${d.note}`,
    remedy: (d: { key: string }): string =>
      `Remove ${d.key}, or move it to an environment that is not used here and pick another with --env.`,
  },
  top_level_only: {
    kind: 'user',
    message: (d: { key: string; environment: string }): string =>
      `${d.key} has no effect in the environment ${d.environment}: it belongs at the top level`,
    remedy: (d: { key: string }): string => `Move ${d.key} to the top level.`,
  },
  not_inherited: {
    kind: 'user',
    message: (d: { key: string; environment: string }): string =>
      `${d.key} is set at the top level but not in the environment ${d.environment}, which does not inherit it`,
    remedy: (d: { key: string; environment: string }): string => `Repeat ${d.key} under env.${d.environment}.`,
  },
  entries_not_inherited: {
    kind: 'user',
    message: (d: { key: string; environment: string; names: readonly string[] }): string =>
      `${d.key} of the environment ${d.environment} lacks ${d.names.join(', ')}, set at the top level but not inherited`,
    remedy: (d: { key: string; environment: string }): string =>
      `Repeat what the environment needs under env.${d.environment}.${d.key}.`,
  },
  missing_compatibility_date: {
    kind: 'user',
    message: (d: { date: string }): string => `compatibility_date is missing; ${d.date} is used`,
    remedy: (d: { date: string }): string => `Add "compatibility_date": "${d.date}".`,
  },
  future_compatibility_date: {
    kind: 'user',
    message: (d: { date: string; newest: string }): string =>
      `compatibility_date ${d.date} is newer than ${d.newest}, the newest the installed workerd knows`,
    remedy: (d: { newest: string }): string => `Use ${d.newest} or an earlier date, or update Sallyport.`,
  },
  contradictory_flags: {
    kind: 'user',
    message: (d: { flag: string; opposite: string }): string =>
      `the compatibility flags ${d.flag} and ${d.opposite} contradict each other`,
    remedy: 'Remove one of them.',
  },
  invalid_cron: {
    kind: 'user',
    message: (d: { cron: string; problem: string }): string => `"${d.cron}" is not a cron expression: ${d.problem}`,
    remedy:
      'Write five fields: minute, hour, day of month, month, day of week (1 is Sunday, 7 Saturday), as in "*/5 * * * *".',
  },
  duplicate_binding: {
    kind: 'user',
    message: (d: { name: string; first: string; second: string }): string =>
      `${d.name} is both ${d.first} and ${d.second}`,
    remedy: 'Rename one of them: both would be the same property of env.',
  },
  foreign_durable_object: {
    kind: 'user',
    message: (d: { binding: string; script: string }): string =>
      `the Durable Object ${d.binding} lives in another Worker, ${d.script}, which is not supported yet`,
    remedy: 'Export the class from this Worker and remove script_name, or move the binding to another environment.',
  },
  missing_migration: {
    kind: 'user',
    message: (d: { className: string }): string => `no migration declares the Durable Object class ${d.className}`,
    remedy: (d: { className: string }): string =>
      `Add "migrations": [{ "tag": "v1", "new_sqlite_classes": ["${d.className}"] }].`,
  },
  missing_secrets: {
    kind: 'user',
    message: (d: { names: readonly string[] }): string => `required secrets have no value: ${d.names.join(', ')}`,
    remedy: 'Add them to .dev.vars or .env beside the configuration.',
  },
  env_file_invalid: {
    kind: 'user',
    message: (d: { file: string; problem: string }): string => `${d.file} was not used: ${d.problem}`,
    remedy: 'Write one NAME=value a line, in UTF-8.',
  },
  env_toggle: {
    kind: 'user',
    message: (d: { name: string; found: string }): string => `${d.name} has to be true or false but is "${d.found}"`,
    remedy: 'Correct or unset the environment variable.',
  },
  build_failed: {
    kind: 'user',
    message: (d: { main: string; errors: number }): string =>
      `${d.main} could not be built: ${d.errors} error${d.errors === 1 ? '' : 's'}`,
    remedy: 'Correct the places listed.',
  },
  build_message: {
    kind: 'user',
    message: (d: { text: string }): string => d.text,
    remedy: 'Correct the file at this place.',
  },
  invalid_connection_string: {
    kind: 'user',
    message: (d: { key: string; problem: string; remedy?: string | undefined }): string => `${d.key}: ${d.problem}`,
    remedy: (d: { remedy?: string | undefined }): string =>
      d.remedy ?? 'Write postgres://user:password@host:5432/database, with special characters percent-encoded.',
  },
  database_file: {
    kind: 'user',
    message: (d: { key: string; problem: string; isMissing: boolean }): string => `${d.key}: ${d.problem}`,
    remedy: (d: { isMissing: boolean }): string =>
      d.isMissing
        ? 'Correct the path (it starts at the folder of the configuration), or create the file.'
        : 'Name a PEM file that you may read: the text between -----BEGIN … and -----END ….',
  },
  unused_connection_string: {
    kind: 'user',
    message: (d: { variable: string; meant: string | undefined }): string =>
      `${d.variable} names no Hyperdrive binding of this project`,
    remedy: (d: { meant: string | undefined }): string =>
      d.meant === undefined
        ? 'Name it after a binding in "hyperdrive", exactly as that is written, or remove it.'
        : `Did you mean ${d.meant}?`,
  },
  unresolved_import: {
    kind: 'user',
    message: (d: { specifier: string }): string => `"${d.specifier}" could not be found`,
    remedy: 'Install the package, or correct the path.',
  },
  node_module_unavailable: {
    kind: 'user',
    message: (d: { specifier: string }): string =>
      `"${d.specifier}" is part of Node.js, which this Worker does not enable`,
    remedy: 'Add "nodejs_compat" to compatibility_flags, with a compatibility_date of 2024-09-23 or later.',
  },
  node_compat_v1: {
    kind: 'user',
    message: (d: { date: string }): string =>
      `with compatibility_date ${d.date}, nodejs_compat means its first version, which is not supported`,
    remedy: 'Set compatibility_date to 2024-09-23 or later.',
  },
  service_worker_format: {
    kind: 'user',
    message: (d: { exports: readonly string[] }): string =>
      d.exports.length === 0
        ? 'the Worker exports nothing: the older service worker format is not supported'
        : `the Worker has no default export; it exports ${d.exports.join(', ')}`,
    remedy: 'Use ES modules: export default { async fetch(request, env, ctx) { … } }.',
  },
  missing_class_export: {
    kind: 'user',
    message: (d: { className: string; exports: readonly string[] }): string =>
      `the Durable Object class ${d.className} is not exported; exported are ${d.exports.join(', ')}`,
    remedy: (d: { className: string }): string =>
      `Export class ${d.className} from this file, or correct class_name in the configuration.`,
  },
  build_command_failed: {
    kind: 'user',
    message: (d: { command: string; status: string; output: string }): string =>
      `the build command "${d.command}" failed (${d.status})${d.output === '' ? '' : `:\n${d.output}`}`,
    remedy: 'Run the command by itself, and correct what it reports.',
  },
  workerd_missing: {
    kind: 'system',
    message: (d: { package: string }): string => `the Workers runtime is not installed: ${d.package} is missing`,
    remedy: 'Install again without --no-optional / --omit=optional: npm ci',
  },
  workerd_platform: {
    kind: 'user',
    message: (d: { platform: string }): string => `there is no workerd for ${d.platform}`,
    remedy: 'Run on Linux or macOS, x64 or arm64.',
  },
  workerd_start_failed: {
    kind: 'user',
    message: (d: { output: string }): string => `the Worker did not start:\n${d.output}`,
    remedy: 'Correct what the runtime reports; code at the top level of a module runs at this moment.',
  },
  socket_path_too_long: {
    kind: 'user',
    message: (d: { path: string; bytes: number; limit: number }): string =>
      `the unix socket path ${d.path} has ${d.bytes} bytes; the system allows ${d.limit}`,
    remedy: 'Set TMPDIR to a shorter folder, for example TMPDIR=/tmp.',
  },
} as const;
