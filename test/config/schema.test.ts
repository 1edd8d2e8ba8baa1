import { readFileSync } from 'node:fs';
import test from 'ava';
import { type ConfigContext, defineConfig } from 'cordon/config';

interface JsonSchema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: unknown;
  readonly required?: readonly string[];
  readonly items?: unknown;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly definitions?: Readonly<Record<string, JsonSchema>>;
}

const schema = JSON.parse(
  readFileSync(new URL('../../config/config.schema.json', import.meta.url), 'utf8'),
) as JsonSchema;

const keys = (at: JsonSchema, path = ''): [string, JsonSchema][] =>
  Object.entries(at.properties ?? {}).flatMap(
    ([key, inner]) => [[path + key, inner], ...keys(inner, `${path}${key}.`)] as [string, JsonSchema][],
  );

test('an editor can tell what every key is for, and what happens without it', (t) => {
  const all = keys(schema);
  t.true(all.length > 25);
  for (const [key, { description = '', properties }] of all) {
    t.regex(description, properties || key === '$schema' ? /\.$/ : /Default: |Required/, key);
  }
});

test('an editor underlines a key that does not exist, and none that is left out', (t) => {
  for (const [key, inner] of [
    ['(root)', schema] as const,
    ...keys(schema).filter(([, { properties }]) => properties),
  ]) {
    t.is(inner.additionalProperties, false, key);
    t.deepEqual(inner.required ?? [], [], key);
  }
});

test('defineConfig gives back what it was given', (t) => {
  const config = { script: 'server.js', workers: 'max-1', ready: { on: 'message', timeout: '5s' } } as const;
  t.is(defineConfig(config), config);
});

const ask = async ({ env, mode }: ConfigContext) => ({ script: env['SCRIPT'] ?? 'server.js', name: mode ?? 'api' });

test('defineConfig takes functions, promises, modes and several apps, and gives them back', (t) => {
  const app = { script: 'server.js', 'env.production': { LOG: 'warn', KEY: { file: '/run/secrets/key' } } };
  t.is(defineConfig(app), app);
  const several = { apps: [app, { name: 'mails', script: 'mails.js', after: ['server'] }] };
  t.is(defineConfig(several), several);
  t.is(defineConfig(ask), ask);
  // @ts-expect-error -- a key that does not exist does not compile
  t.truthy(defineConfig({ script: 'server.js', wrokers: 1 }));
});

test('the schema of editors knows modes and several apps', (t) => {
  const { properties, patternProperties, definitions } = schema;
  t.true(patternProperties?.['^env\\.'] !== undefined);
  t.deepEqual(properties?.['apps']?.items, { $ref: '#/definitions/app' });
  t.deepEqual(Object.keys(definitions?.['app']?.properties ?? {}), Object.keys(properties ?? {}).slice(0, -1));
});
