// `cordon/config`: what a configuration file written in JavaScript or TypeScript imports. It loads nothing.
import type { UserConfig } from './schema.js';

export type { UserConfig };

/** Gives `config` back as it is. It is there for the editor, which then knows every key, its unit and its default. */
export const defineConfig = (config: UserConfig): UserConfig => config;
