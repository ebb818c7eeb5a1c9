/** States that one can go back through. */

const MOST = 300;

export class History<T> {
  private readonly past: T[] = [];
  private future: T[] = [];

  constructor(private now: T) {}

  get present(): T {
    return this.now;
  }

  get canUndo(): boolean {
    return this.past.length > 0;
  }

  get canRedo(): boolean {
    return this.future.length > 0;
  }

  /** A new state; what was undone is lost. */
  push(state: T): void {
    if (state === this.now) return;
    this.past.push(this.now);
    if (this.past.length > MOST) this.past.shift();
    this.now = state;
    this.future = [];
  }

  /** Another form of the present state, which is no step of its own: a drag that goes on. */
  replace(state: T): void {
    this.now = state;
  }

  undo(): boolean {
    const before = this.past.pop();
    if (before === undefined) return false;
    this.future.push(this.now);
    this.now = before;
    return true;
  }

  redo(): boolean {
    const after = this.future.pop();
    if (after === undefined) return false;
    this.past.push(this.now);
    this.now = after;
    return true;
  }

  /** All states that one can come to. */
  get every(): T[] {
    return [...this.past, this.now, ...this.future];
  }

  /** The same way through other states, for what they speak of has changed. */
  rewrite(change: (state: T) => T): void {
    this.past.splice(0, this.past.length, ...this.past.map(change));
    this.future = this.future.map(change);
    this.now = change(this.now);
  }

  /** One state, and no way back. */
  reset(state: T): void {
    this.past.length = 0;
    this.future = [];
    this.now = state;
  }
}
