import test from 'ava';
import { placeKey } from '../../config/problem.js';
import { readJson } from '../../config/reading/json.js';

test('every key and value has its line and column', (t) => {
  const read = readJson('{\n\t"workers": 2,\n  "listen": [":80",\n  ":81"]\n}');
  t.is(read.type, 'read');
  if (read.type !== 'read') return;
  t.deepEqual(read.value, { workers: 2, listen: [':80', ':81'] });
  t.deepEqual(read.places[placeKey(['workers'])], { key: { line: 2, column: 2 }, value: { line: 2, column: 13 } });
  t.deepEqual(read.places[placeKey(['listen', 1])]?.value, { line: 4, column: 3 });
});

const broken: Record<string, readonly [text: string, place: string, says: RegExp]> = {
  'a value that is missing': ['{\n"a": }', '2:6', /Unexpected token '}'/],
  'a comma too many': ['{"a": 1,}', '1:9', /double-quoted property name/],
  'a comma too many in a list': ['[1,\n]', '2:1', /Unexpected token ']'/],
  'a comma that is missing': ['{"a": 1\n"b": 2}', '2:1', /Expected ',' or '}'/],
  'a key without quotes': ['{a: 1}', '1:2', /Expected property name/],
  'a comment': ['// workers\n{}', '1:1', /Unexpected token '\/'/],
  'an end that is missing': ['{"a": [1', '1:9', /Expected ',' or ']'|Unexpected end/],
  'a text that goes on after the end': ['{}\nx', '2:1', /Unexpected non-whitespace/],
  'an empty file': [' \n', '1:1', /empty/],
  'a key that is there twice': ['{"a": 1,\n "a": 2}', '2:2', /twice/],
};

for (const [title, [text, place, says]] of Object.entries(broken)) {
  test(`${title} is shown where it is`, (t) => {
    const read = readJson(text);
    const [problem] = read.type === 'broken' ? read.problems : [];
    t.is(`${problem?.place.line}:${problem?.place.column}`, place);
    t.regex(problem?.says ?? '', says);
  });
}

test('what stands around a mistake is not shown, as it may be a secret', (t) => {
  for (const text of ['{"key": "hunter2", x}', '{"key": "hunter2" }}', '"hunter2', '["hunter2",,]']) {
    t.notRegex(JSON.stringify(readJson(text)), /hunter2/);
  }
});
