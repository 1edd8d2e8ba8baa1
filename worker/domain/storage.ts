// The storage that says which domain is active. Before Node 24 it stands on async_hooks: to ask it means to ask which resource is
// executing, in a callback from C++ a call back into C++, and domains ask at every emitter that is made. What an execution was told
// once it need not ask again.
import { AsyncLocalStorage, executionAsyncId } from 'node:async_hooks';

/** 0 is an execution that belongs to no resource, of which there can be several, and 1 the main module's. */
const FIRST_OF_ITS_OWN = 2;

/**
 * The store is a property of the resource that executes, every resource has an id of its own, and nothing sets the property but the
 * methods below.
 */
class RememberingStorage<S> extends AsyncLocalStorage<S | undefined> {
  #execution = 0;
  #store: S | undefined;

  override getStore(): S | undefined {
    const execution = executionAsyncId();
    if (execution === this.#execution && execution >= FIRST_OF_ITS_OWN) return this.#store;
    this.#store = super.getStore();
    this.#execution = execution;
    return this.#store;
  }

  override enterWith(store: S | undefined): void {
    super.enterWith(store);
    this.#store = store;
    this.#execution = executionAsyncId();
  }

  override run<R, A extends unknown[]>(store: S | undefined, fn: (...args: A) => R, ...args: A): R {
    const outer = this.getStore();
    if (outer === store) return fn(...args);
    this.enterWith(store);
    try {
      return fn(...args);
    } finally {
      this.enterWith(outer);
    }
  }
}

/** Whether a frame of V8's carries it instead: an execution can see several stores then, and to ask costs next to nothing. */
export const framed = !('kResourceStore' in new AsyncLocalStorage());

export const makeStorage = <S>(): AsyncLocalStorage<S | undefined> =>
  framed ? new AsyncLocalStorage<S | undefined>() : new RememberingStorage<S>();
