// What the pod of contrib/kubernetes gives to its container.
import { parseAllDocuments } from 'yaml';

export interface Manifest {
  readonly kind: string;
  readonly spec: unknown;
}

interface Deployment {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly {
          readonly env: readonly { readonly name: string; readonly value: string }[];
          readonly volumeMounts: readonly { readonly mountPath: string }[];
        }[];
      };
    };
  };
}

export const manifestsOf = (text: string): Manifest[] =>
  parseAllDocuments(text).map((document) => document.toJS() as Manifest);

export function podOf(text: string): {
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly string[];
} {
  const deployment = manifestsOf(text).find(({ kind }) => kind === 'Deployment') as unknown as Deployment;
  const [container] = deployment.spec.template.spec.containers;
  if (container === undefined) throw new Error('a Deployment without a container');
  return {
    env: Object.fromEntries(container.env.map(({ name, value }) => [name, value])),
    mounts: container.volumeMounts.map(({ mountPath }) => mountPath).filter((at) => at !== '/tmp'),
  };
}
