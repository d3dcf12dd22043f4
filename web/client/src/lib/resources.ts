// What a call has opened, and that all of it is closed.

/** With `leaving` the page is about to go: what is sent must outlive it (`keepalive`, `sendBeacon`). */
export type Closer = (leaving: boolean) => void | Promise<void>;

interface Opened {
  readonly name: string;
  readonly close: Closer;
}

/**
 * Everything that was registered is closed in reverse order, once: by `close`, and when the page goes if `closeWithPage`
 * was called. Closers are started in one go, since a page that goes waits for none; one that fails holds up no other.
 */
export class ResourceManager {
  private readonly opened: Opened[] = [];
  private leaving = false;
  private done = false;
  private unfollow: () => void = () => undefined;

  /** `failed` hears of closers that throw; without it they are a warning on the console. */
  constructor(private readonly failed: (name: string, error: unknown) => void = warn) {}

  get closed(): boolean {
    return this.done;
  }

  /** What is registered after the end is closed at once. The returned function closes this one alone, earlier. */
  add(name: string, close: Closer): () => void {
    const one: Opened = { name, close };
    if (this.done) {
      this.shut(one);
      return () => undefined;
    }
    this.opened.push(one);
    return () => {
      const at = this.opened.indexOf(one);
      if (at < 0) return;
      this.opened.splice(at, 1);
      this.shut(one);
    };
  }

  /** A listener that is taken away at the end. */
  listen(target: EventTarget, type: string, listener: (event: Event) => void): () => void {
    target.addEventListener(type, listener);
    return this.add(`listener ${type}`, () => target.removeEventListener(type, listener));
  }

  /** A timer that does not outlive the rest. */
  after(ms: number, name: string, run: () => void): () => void {
    const timer = setTimeout(() => {
      cancel();
      run();
    }, ms);
    const cancel = this.add(name, () => clearTimeout(timer));
    return cancel;
  }

  /**
   * Closes everything when the page is hidden for good or put into the browser's cache of pages. Every way out of a page
   * leads over `pagehide`; an `unload` listener would only keep the page out of that cache.
   */
  closeWithPage(): void {
    if (this.done) return;
    const gone = (): void => this.close(true);
    window.addEventListener("pagehide", gone);
    this.unfollow = () => window.removeEventListener("pagehide", gone);
  }

  /** How many are open, by name. */
  open(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { name } of this.opened) counts[name] = (counts[name] ?? 0) + 1;
    return counts;
  }

  /** More than once is allowed. */
  close(leaving = false): void {
    if (this.done) return;
    this.done = true;
    this.leaving = leaving;
    this.unfollow();
    for (let one = this.opened.pop(); one !== undefined; one = this.opened.pop()) this.shut(one);
  }

  private shut({ name, close }: Opened): void {
    try {
      const closing = close(this.leaving);
      if (closing instanceof Promise) closing.catch((error: unknown) => this.failed(name, error));
    } catch (error) {
      this.failed(name, error);
    }
  }
}

function warn(name: string, error: unknown): void {
  console.warn(`${name} did not close:`, error);
}
