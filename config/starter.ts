// A first configuration with every key in it, commented out: its text comes from the schema, so that it is never behind it.
import * as v from 'valibot';
import { ConfigSchema } from './schema.js';

/** The part of a valibot schema that this file looks into. */
interface Shape {
  readonly entries?: Readonly<Record<string, Shape>>;
  readonly wrapped?: Shape;
  readonly default?: unknown;
}

interface Language {
  /** What begins a comment. */
  readonly mark: string;
  /** The line of a key: with what it holds, or what opens and closes it. */
  readonly value: (key: string, value: unknown) => string;
  readonly opening: (key: string) => string;
  readonly closing: string | undefined;
  readonly head: readonly string[];
  readonly tail: readonly string[];
}

const literal = (value: unknown): string =>
  value === undefined ? 'undefined' : JSON.stringify(value).replaceAll("'", String.raw`\'`).replaceAll('"', "'");

const code = (head: readonly string[], tail: string): Language => ({
  mark: '//',
  value: (key, value) => `${key}: ${literal(value)},`,
  opening: (key) => `${key}: {`,
  closing: '},',
  head,
  tail: [tail],
});

const yaml: Language = {
  mark: '#',
  value: (key, value) => `${key}:${value === undefined ? '' : ` ${JSON.stringify(value)}`}`,
  opening: (key) => `${key}:`,
  closing: undefined,
  head: ['# yaml-language-server: $schema=node_modules/cordon/dist/config/config.schema.json', ''],
  tail: [],
};

const languages = {
  typed: code(["import { defineConfig } from 'cordon/config';", '', 'export default defineConfig({'], '});'),
  module: code(['export default {'], '};'),
  common: code(['module.exports = {'], '};'),
  yaml,
} as const;

export type StarterLanguage = keyof typeof languages;

/** `script` stands for itself; every other key is a comment that holds its default. */
export function starter(name: StarterLanguage, script: string): string {
  const language = languages[name];
  const { mark, head, tail } = language;
  const inside = name === 'yaml' ? '' : '  ';
  const keys = Object.entries((ConfigSchema as Shape).entries ?? {}).filter(
    ([key]) => key !== '$schema' && key !== 'script',
  );
  const lines = [
    ...comment(mark, describe((ConfigSchema as Shape).entries?.['script'])),
    language.value('script', script),
    '',
    ...comment(
      mark,
      `What follows are the defaults, commented out. Take the first "${mark}" of a key away to change it; of a section, from its first line to its last. docs/config.md tells more.`,
    ),
    '',
    ...keys.flatMap(([key, shape]) => [
      ...comment(mark, describe(shape)),
      ...entry(language, key, shape).map((line) => mark + line),
      '',
    ]),
  ].slice(0, -1);
  return [...head, ...lines.map((line) => (line === '' ? '' : `${inside}${line}`)), ...tail, ''].join('\n');
}

/** One key and what is in it, each with its description. Its own description is its caller's. */
function entry(language: Language, key: string, shape: Shape): string[] {
  const entries = shape.entries ?? shape.wrapped?.entries;
  if (entries === undefined) return [language.value(key, shape.default)];
  const inner = Object.entries(entries).flatMap(([name, part]) => [
    ...comment(language.mark, describe(part)),
    ...entry(language, name, part),
  ]);
  const closing = language.closing === undefined ? [] : [language.closing];
  return [language.opening(key), ...inner.map((line) => `  ${line}`), ...closing];
}

const describe = (shape: Shape | undefined): string =>
  (shape === undefined ? undefined : v.getDescription(shape as v.GenericSchema)) ?? '';

/** Broken into lines of at most 110 letters. */
function comment(mark: string, text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 110) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${mark} ${word}`);
  }
  return lines;
}
