// Where clients and proxies find the instances of a service. The interface is all that the rest knows of one; etcd's is `etcd.ts`.

export interface Registry {
  /**
   * What it is to hold of this instance from now on; undefined: nothing. Returns at once and never throws: a registry that is gone
   * keeps nobody waiting, and is asked again until it answers.
   */
  hold(entry: string | undefined): void;
  /** Nothing more is done. What it holds stays until it runs out, or until a successor of this process takes it over. */
  abandon(): void;
  /** Resolves when it holds what it is to hold, or when so much time has passed. */
  settled(withinMs: number): Promise<void>;
}

/** Hears what an operator should know; each thing once. */
export type Teller = (level: 'info' | 'warn', text: string) => void;
