// The folder of the user. In a container a user may be a bare number, of whom nobody knows where it lives.
import { homedir } from 'node:os';

/** `/` where there is none, as container engines have it. */
export function homeOf(find: () => string = homedir): string {
  try {
    return find();
  } catch {
    return '/';
  }
}
