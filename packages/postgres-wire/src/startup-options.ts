// What a StartupMessage asks for beyond user and database: the `options` string and the protocol version.
import { WireError } from './errors.ts';

/** The newest minor version there is; 3.1 was never used. */
export const newestMinor = 2;

/** Splits as a shell would that knows only backslashes [postgres pg_split_opts]. */
function splitOptions(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]!;
    if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      // A backslash takes the next character as it is; at the very end it stands for nothing.
      word = (word ?? '') + (character === '\\' ? (text[(at += 1)] ?? '') : character);
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** Settings from `options`: `-c name=value`, `-cname=value` and `--name=value`. Names are as settings are written. */
export function parseOptions(text: string): Map<string, string> {
  const settings = new Map<string, string>();
  const words = splitOptions(text);
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at]!;
    let setting: string | undefined;
    if (word === '-c') setting = words[(at += 1)];
    else if (word.startsWith('-c') || word.startsWith('--')) setting = word.slice(2);
    else throw new WireError('invalid_options', `unsupported option in \`options\`: ${word}`);
    const equals = setting?.indexOf('=') ?? -1;
    if (setting === undefined || equals < 1) {
      throw new WireError('invalid_options', `an option in \`options\` needs a name and a value: ${setting ?? word}`);
    }
    settings.set(setting.slice(0, equals).replaceAll('-', '_'), setting.slice(equals + 1));
  }
  return settings;
}

export interface Negotiation {
  /** The minor version both sides know. */
  minor: number;
  /** `_pq_.` options that nobody here knows. */
  unrecognised: string[];
  /** Whether NegotiateProtocolVersion has to say so. */
  needed: boolean;
}

/** What to answer to a version [pg 55.2.1]. `upTo` is the newest minor version this side speaks. */
export function negotiateVersion(
  { minor, parameters }: { minor: number; parameters: ReadonlyMap<string, string> },
  upTo: number = newestMinor,
): Negotiation {
  const unrecognised = [...parameters.keys()].filter((name) => name.startsWith('_pq_.'));
  // 3.1 does not exist: who asks for it can have 3.0.
  const known = minor === 1 ? 0 : minor;
  const agreed = Math.min(known, upTo);
  return { minor: agreed, unrecognised, needed: agreed !== minor || unrecognised.length > 0 };
}
