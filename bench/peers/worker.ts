/**
 * Programs that run in a Worker, where blocking harms nobody.
 *
 * @module
 */

interface WorkerScope {
  onmessage: (event: MessageEvent<unknown>) => void;
  postMessage(message: unknown): void;
}

/** Whether this is a Worker. */
export const isWorker: boolean = "WorkerGlobalScope" in globalThis;

/** Runs a module again, in a Worker, and hands it its command. */
export function inWorker(module: string, command: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(module, { type: "module" });
    thread.onmessage = () => {
      thread.terminate();
      resolve();
    };
    thread.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    thread.postMessage(command);
  });
}

/** Carries out the command that {@linkcode inWorker} hands over. */
export function serveAsWorker<Command>(run: (command: Command) => Promise<void>): void {
  const scope = globalThis as unknown as WorkerScope;
  scope.onmessage = async ({ data }) => {
    await run(data as Command);
    scope.postMessage("done");
  };
}
