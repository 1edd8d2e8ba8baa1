// What of a Dockerfile is needed to do by hand what an engine would. Pure. A word that is not known here is an error: the example must
// not grow one that no test has carried out.

export type Step =
  | {
      readonly does: 'copy';
      readonly from: string | undefined;
      readonly owner: string | undefined;
      readonly sources: readonly string[];
      readonly to: string;
    }
  | { readonly does: 'run'; readonly command: string };

export interface Stage {
  readonly image: string;
  readonly name: string | undefined;
  readonly workdir: string;
  readonly steps: readonly Step[];
  readonly env: Readonly<Record<string, string>>;
  readonly user: readonly [uid: number, gid: number];
  readonly entrypoint: readonly string[];
  readonly healthcheck: readonly string[];
}

export function stagesOf(text: string): Stage[] {
  const stages: Stage[] = [];
  for (const line of text.split('\n')) {
    const [, word = '', rest = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (word === 'FROM') {
      const [, image = '', name] = /^(\S+)(?: AS (\S+))?$/.exec(rest) ?? [];
      stages.push({ image, name, workdir: '/', steps: [], env: {}, user: [0, 0], entrypoint: [], healthcheck: [] });
      continue;
    }
    const stage = stages.at(-1);
    if (word !== '' && stage !== undefined) stages[stages.length - 1] = { ...stage, ...said(stage, word, rest) };
    else if (line !== '' && !line.startsWith('#')) throw new Error(`not understood: ${line}`);
  }
  return stages;
}

const list = (text: string): string[] => JSON.parse(text) as string[];

function said(stage: Stage, word: string, rest: string): Partial<Stage> {
  const words = rest.split(' ');
  switch (word) {
    case 'WORKDIR':
      return { workdir: rest };
    case 'RUN':
      return { steps: [...stage.steps, { does: 'run', command: rest }] };
    case 'COPY': {
      const flag = (name: string) => words.find((one) => one.startsWith(`--${name}=`))?.slice(name.length + 3);
      const places = words.filter((one) => !/^--(?:from|chown)=/.test(one));
      const [from, owner] = [flag('from'), flag('chown')];
      const step: Step = { does: 'copy', from, owner, sources: places.slice(0, -1), to: places.at(-1) ?? '' };
      return { steps: [...stage.steps, step] };
    }
    case 'ENV':
      return {
        env: { ...stage.env, ...Object.fromEntries(words.map((pair) => pair.split('=', 2) as [string, string])) },
      };
    case 'USER': {
      const [uid = 0, gid = 0] = rest.split(':').map(Number);
      return { user: [uid, gid] };
    }
    case 'ENTRYPOINT':
      return { entrypoint: list(rest) };
    case 'HEALTHCHECK':
      return { healthcheck: list(rest.slice(rest.indexOf('CMD ') + 'CMD '.length)) };
    case 'EXPOSE':
      return {};
    default:
      throw new Error(`not understood: ${word} ${rest}`);
  }
}
