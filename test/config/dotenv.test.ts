import test from 'ava';
import { parse } from 'dotenv';
import { parseVariables } from '../../config/dotenv.js';

/** What people have in such files. */
const files: Record<string, string> = {
  'plain values': 'A=1\nB = two words \nC=\nD==x=\n',
  comments: '# one\nA=1 # two\nB=a#b\n  # three\n\nC="#" # four\n',
  quotes: `A="x y"\nB='x y'\nC=\`it's "x"\`\nD=" kept "\nE=''\n`,
  'line breaks in quotes': 'A="one\ntwo"\nB="one\\ntwo"\nC=\'one\\ntwo\'\nD=3\n',
  'quotes in quotes': `A='{"a": "b"}'\nB="it's"\n`,
  exports: 'export A=1\n  export B = 2\n',
  colons: 'A: 1\nB: "x"\n',
  'line ends of other systems': 'A=1\r\nB="x\r\ny"\r\nC=3\r',
  'names with dots and dashes': 'a.b=1\nA-B=2\n_A=3\n',
  'one twice': 'A=1\nA=2\n',
  'no line end': 'A=1\nB=2',
  'nothing at all': '',
};

for (const [title, text] of Object.entries(files)) {
  test(`${title}: the file gives what dotenv gives`, (t) => {
    const { values, problems } = parseVariables(text);
    t.deepEqual(values, parse(text));
    t.deepEqual(problems, []);
  });
}

const slips: Record<string, readonly [text: string, lines: readonly number[]]> = {
  'a name alone': ['A=1\nTOKEN\nB=2\n', [2]],
  'a quote that is not closed': ['A=1\n\nTOKEN="hunter2\nB=2\n', [3]],
  'something after the quote': ['TOKEN="hunter2" hunter2\n', [1]],
  'a value without a name': ['=hunter2\nB\n', [1, 2]],
  'a space in the name': ['MY TOKEN=hunter2', [1]],
};

for (const [title, [text, lines]] of Object.entries(slips)) {
  test(`${title} is told with its line, and without its text`, (t) => {
    const { problems } = parseVariables(text);
    t.deepEqual(
      problems.map(({ line }) => line),
      lines,
    );
    t.notRegex(JSON.stringify(problems), /hunter2/);
  });
}

test('a byte order mark is no part of the first name', (t) => {
  t.deepEqual(parseVariables('\uFEFFA=1').values, { A: '1' });
});
