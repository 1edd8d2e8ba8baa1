// The forms of what a configuration may hold: times, sizes, counts, addresses, commands. A message says what was expected; the
// reader adds what it got.
import * as v from 'valibot';
import { addressForms, listenAddress, misaddressed } from './address.js';
import { duration, longestMs, milliseconds } from './duration.js';
import { bytes, size } from './size.js';

export const text = (expected: string) =>
  v.pipe(
    v.string(expected),
    v.check((given) => !given.includes('\0'), 'a text without NUL characters'),
  );

export const filledText = (expected: string) => v.pipe(text(expected), v.nonEmpty(expected));

export const time = (atLeastMs: 0 | 1) =>
  v.pipe(
    v.string('a time with its unit, such as "500ms", "30s" or "2m"'),
    v.regex(duration, 'a time with its unit, such as "500ms", "30s" or "2m"'),
    v.transform((words) => milliseconds(words) ?? 0),
    v.minValue(atLeastMs, 'a time longer than 0'),
    v.maxValue(longestMs, 'a time of at most 24d'),
  );

const sizeForm = 'a size with its unit, such as "512MB" or "1GiB"';
export const memory = v.pipe(
  v.string(sizeForm),
  v.regex(size, sizeForm),
  v.transform((words) => bytes(words) ?? 0),
  v.minValue(16_000_000, 'a size of at least 16MB'),
);

export const fileSize = v.pipe(
  v.string(sizeForm),
  v.regex(size, sizeForm),
  v.transform((words) => bytes(words) ?? 0),
  v.minValue(1_000_000, 'a size of at least 1MB'),
);

export const accessForm = 'false, "common", "combined" or "json"';

/** A time that no timer has to wait for. */
export const span = (least: '1s' | '1m') =>
  v.pipe(
    v.string('a time with its unit, such as "12h" or "30d"'),
    v.regex(duration, 'a time with its unit, such as "12h" or "30d"'),
    v.check((words) => (milliseconds(words) ?? 0) >= (milliseconds(least) ?? 0), `a time of at least ${least}`),
    v.check((words) => (milliseconds(words) ?? 0) <= 3_650 * 86_400_000, 'a time of at most 3650d'),
    v.transform((words) => milliseconds(words) ?? 0),
  );

export const number = (expected: string, least: number, most: number) =>
  v.pipe(v.number(expected), v.minValue(least, expected), v.maxValue(most, expected));

export const count = (expected: string, most: number) =>
  v.pipe(v.number(expected), v.integer(expected), v.minValue(1, expected), v.maxValue(most, expected));

export const oneOf = <const Words extends readonly string[]>(...words: Words) =>
  v.picklist(words, words.map((word) => `"${word}"`).join(' or '));

/** Without a prototype, or a key called `constructor` would pass for known. */
export const section = <Entries extends v.ObjectEntries>(entries: Entries) =>
  v.strictObject(Object.assign(Object.create(null) as object, entries), 'an object');

/** A key that may be left out. Its description stands outside of what turns words into numbers, where editors find it. */
export const option = <const Schema extends v.GenericSchema>(schema: Schema, description: string) =>
  v.pipe(v.optional(schema), v.description(description));

/** A key that stands for `fallback` where it is left out. */
export const withDefault = <const Schema extends v.GenericSchema, const Fallback extends v.Default<Schema, undefined>>(
  schema: Schema,
  description: string,
  fallback: Fallback,
) => v.pipe(v.optional(schema, fallback), v.description(description));

export const mostWorkers = 1_024;
const workersForm = `a whole number from 1 to ${mostWorkers}, "max", "max-1" or a share such as "50%"`;
export const workers = v.union(
  [
    count(workersForm, mostWorkers),
    v.pipe(v.string(workersForm), v.regex(/^(?:max(?:-\d{1,4})?|[1-9]\d{0,2}%)$/, workersForm)),
  ],
  workersForm,
);

export const address = v.pipe(
  v.union([v.string(addressForms), v.number(addressForms)], addressForms),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const given = String(dataset.value);
    const expected = misaddressed(given);
    if (expected === undefined) return listenAddress(given);
    addIssue({ message: expected });
    return NEVER;
  }),
);

/** A value that stands in a file, read when the configuration is loaded and never shown. */
const secretFile = v.strictObject({ file: filledText('the path of a file') });
const credentialForm = 'the name of a credential, without "/"';
export const credential = v.strictObject({
  credential: v.pipe(v.string(credentialForm), v.regex(/^(?!\.{1,2}$)[^/\0]+$/, credentialForm)),
});

export const account = /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,255}$/;

export const bindable = v.pipe(
  address,
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    if (!('inherited' in dataset.value)) return dataset.value;
    addIssue({ message: '"host:port", ":port" or a unix path' });
    return NEVER;
  }),
);

export const variables = v.pipe(
  v.record(
    v.pipe(v.string(), v.regex(/^[^=\0]+$/, 'a name without "="')),
    v.union(
      [v.pipe(v.union([text('a text'), v.number(), v.boolean()]), v.transform(String)), secretFile, credential],
      'a text, a number, a boolean, { "file": "/run/secrets/x" } or { "credential": "x" }',
    ),
    'an object of names and values',
  ),
);

const envFilesForm = 'the path of a file, or a list of them';
export const envFiles = v.pipe(
  v.union([filledText(envFilesForm), v.array(filledText(envFilesForm))], envFilesForm),
  v.transform((given) => (typeof given === 'string' ? [given] : given)),
);

const clientAddressForm = 'an address that clients can reach, such as "10.0.0.5:3000" or "web1.example.org:443"';
export const clientAddress = v.pipe(
  v.string(clientAddressForm),
  v.check((given) => {
    if (misaddressed(given) !== undefined) return false;
    const parsed = listenAddress(given);
    return 'port' in parsed && parsed.host !== undefined && parsed.port > 0;
  }, clientAddressForm),
);

const serverForm =
  'an address such as "http://10.0.0.1:2379" or "https://etcd1.example.org:2379", without a path or a login';
export const server = v.pipe(
  v.string(serverForm),
  v.check((given) => {
    if (!/^https?:\/\//.test(given) || !URL.canParse(given)) return false;
    const { pathname, search, hash, username, password } = new URL(given);
    return pathname === '/' && [search, hash, username, password].every((part) => part === '');
  }, serverForm),
);

export const prefixForm = 'a path such as "/services", which begins with "/" and does not end with it';

const quorumForm = `"all", a whole number from 1 to ${mostWorkers}, or a share such as "50%"`;
export const quorum = v.union(
  [
    v.literal('all'),
    count(quorumForm, mostWorkers),
    v.pipe(
      v.string(quorumForm),
      v.regex(/^(?:[1-9]\d?|100)%$/, quorumForm),
      v.transform((share) => share as `${number}%`),
    ),
  ],
  quorumForm,
);

export const headerName = v.pipe(
  v.string('the name of a header or a parameter'),
  v.regex(/^[^\s:=&]{1,100}$/, 'the name of a header or a parameter'),
  v.transform((name) => name.toLowerCase()),
);

export const usualSecrets = [
  'x-api-key',
  'x-auth-token',
  'x-csrf-token',
  'x-xsrf-token',
  'x-amz-security-token',
  'api_key',
  'apikey',
  'access_token',
  'refresh_token',
  'id_token',
  'token',
  'password',
  'secret',
  'client_secret',
  'signature',
  'x-amz-signature',
] as const;

const hookForms = 'a command as a list, such as ["./notify", "--now"], or an http or https address';
export const hook = v.union(
  [
    v.pipe(v.array(filledText(hookForms), hookForms), v.nonEmpty(hookForms)),
    v.pipe(
      v.string(hookForms),
      v.check((given) => /^https?:\/\//.test(given) && URL.canParse(given), hookForms),
    ),
  ],
  hookForms,
);

/** Node would run something else than the script, or nothing. */
const notForServers =
  /^(?:-|--|-[epcihv]|-pe|--(?:eval|print|check|interactive|help|version|test|watch|run)(?:[=-].*)?)$/;
export const nodeArgs = v.pipe(
  v.array(filledText('an option of node'), 'a list of options of node'),
  v.check(
    (given) => given[0]?.startsWith('-') ?? true,
    'a list that begins with an option of node, such as "--enable-source-maps"',
  ),
  v.checkItems((given) => !notForServers.test(given), 'an option with which node still runs the script'),
);

const modeForm = 'the mode of a file as an octal text such as "0660", or as a number such as 0o660';
export const mode = v.pipe(
  v.union([v.number(modeForm), v.pipe(v.string(modeForm), v.regex(/^0?o?[0-7]{3}$/, modeForm))], modeForm),
  v.transform((given) => (typeof given === 'number' ? given : Number.parseInt(given.replace('o', ''), 8))),
  v.integer(modeForm),
  v.check(
    (bits) => bits >= 0 && bits <= 0o777 && (bits & 0o600) === 0o600,
    `${modeForm}, with which its owner may read and write`,
  ),
);

export const wholeFrom0 = (most: number) => {
  const expected = `a whole number from 0 to ${most}`;
  return v.pipe(v.number(expected), v.integer(expected), v.minValue(0, expected), v.maxValue(most, expected));
};

export const scheduleForm = 'a schedule in the syntax of cron, such as "0 4 * * *"';
export const zoneForm = 'a time zone such as "Europe/Berlin"';
const commandForm = 'a command as a list of words, such as ["node", "migrate.js"]';
export const command = v.pipe(v.array(filledText(commandForm), commandForm), v.nonEmpty(commandForm));
export const beforeForm = `${commandForm}, or { "command": […], "timeout": "10m" }`;

export const probePath = v.pipe(
  text('a path such as "/healthz"'),
  v.regex(/^\/[\x21-\x7e]*$/, 'a path such as "/healthz"'),
);
