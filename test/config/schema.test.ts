import { readFileSync } from 'node:fs';
import test from 'ava';
import { defineConfig } from 'cordon/config';

interface JsonSchema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: unknown;
  readonly required?: readonly string[];
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
