// `cordon/config`: what a configuration file written in JavaScript or TypeScript imports. It loads nothing.
import type { UserConfig } from './schema.js';

export type { UserConfig };

/** What a configuration that is a function is told. */
export interface ConfigContext {
  /** The supervisor's own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--mode`, else `CORDON_MODE`, else `NODE_ENV`; undefined where nobody says it. */
  readonly mode: string | undefined;
}

/** Everything that a file may say: one app, or several. */
export type FileConfig = UserConfig | { readonly $schema?: string; readonly apps: readonly UserConfig[] };

/** What a file may export: the configuration, a promise of it, or a function that gives one of the two. */
export type Exported =
  | FileConfig
  | Promise<FileConfig>
  | ((context: ConfigContext) => FileConfig | Promise<FileConfig>);

/** Gives `config` back as it is. It is there for the editor, which then knows every key, its unit and its default. */
export const defineConfig = (config: Exported): Exported => config;
