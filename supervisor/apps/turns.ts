// Pure: whose turn it is. An app begins when those that it comes after are ready, and stops when nobody that comes after it is left.

export interface Standing {
  readonly name: string;
  readonly after: readonly string[];
  readonly phase: 'waiting' | 'begun' | 'ready' | 'over';
}

/** Whom it waits for. Who is not in this process is nobody to wait for. */
export const waitsFor = ({ after }: Pick<Standing, 'after'>, all: readonly Standing[]): readonly string[] =>
  after.filter((name) => all.some((other) => other.name === name && other.phase !== 'ready'));

/** Those that may begin now. */
export const beginners = <App extends Standing>(all: readonly App[]): readonly App[] =>
  all.filter((app) => app.phase === 'waiting' && waitsFor(app, all).length === 0);

/** Those that may stop now, where all are to. */
export const leavers = <App extends Standing>(all: readonly App[]): readonly App[] => {
  const left = all.filter(({ phase }) => phase !== 'over');
  return left.filter(({ name }) => !left.some(({ after }) => after.includes(name)));
};
