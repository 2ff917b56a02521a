import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** A version as the API answers it; only what tests ask for. */
export interface Version {
  name: string;
  state: string;
}

/** A kai-server of its own for one test: free ports, an empty data folder, the sandbox as its cluster. */
export class Server {
  readonly url: string;
  /** Where pods fetch their files, and where kubectl looks into the sandbox. */
  readonly internalUrl: string;
  readonly sandboxUrl: string;
  private log = "";
  private process: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    private readonly ports: { public: number; internal: number; sandbox: number },
    private readonly settings: Record<string, string>,
  ) {
    this.url = `http://127.0.0.1:${ports.public}`;
    this.internalUrl = `http://127.0.0.1:${ports.internal}`;
    this.sandboxUrl = `http://127.0.0.1:${ports.sandbox}`;
  }

  static async create(settings: Record<string, string> = {}): Promise<Server> {
    const [publicPort, internal, sandbox] = await freePorts(3);
    const folder = await mkdtemp(join(tmpdir(), "kai-browser-test-"));
    const server = new Server(folder, { public: publicPort, internal, sandbox }, settings);
    await server.start();
    return server;
  }

  /** Starts it, or starts it again on the same data. */
  async start(): Promise<void> {
    const env: NodeJS.ProcessEnv = {
      ...inherited(),
      KAI_ADDR: `127.0.0.1:${this.ports.public}`,
      KAI_INTERNAL_ADDR: `127.0.0.1:${this.ports.internal}`,
      KAI_SANDBOX_ADDR: `127.0.0.1:${this.ports.sandbox}`,
      KAI_DATA_DIR: this.folder,
      KAI_SANDBOX_READY_AFTER: "500ms",
      NO_COLOR: "1",
      ...this.settings,
    };
    const started = spawn(fromEnvironment("KAI_SERVER_BINARY"), [], { env, stdio: ["ignore", "pipe", "pipe"] });
    this.process = started;
    const keep = (bytes: Buffer) => (this.log += bytes.toString());
    started.stdout.on("data", keep);
    started.stderr.on("data", keep);
    const deadline = Date.now() + 20_000;
    while (!(await this.isReady())) {
      if (started.exitCode !== null) throw new Error(`the server ended with ${started.exitCode}:\n${this.log}`);
      if (Date.now() > deadline) throw new Error(`the server is not ready:\n${this.log}`);
      await pause(50);
    }
  }

  /** As a crash would: nothing is finished, nothing said. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  async close(): Promise<void> {
    await this.end("SIGTERM");
    await rm(this.folder, { recursive: true, force: true });
  }

  /** All that it has printed. */
  printed(): string {
    return this.log;
  }

  async createRuntime(id: string, name: string, description = `The runtime ${name}.`): Promise<void> {
    await this.call("POST", "/runtimes", JSON.stringify({ id, name, description }));
  }

  async addVersion(runtime: string, krt: Uint8Array): Promise<void> {
    await this.call("POST", `/runtimes/${runtime}/versions`, krt);
  }

  async configure(runtime: string, version: string, values: Record<string, string>): Promise<void> {
    await this.call("PUT", `/runtimes/${runtime}/versions/${version}/config`, JSON.stringify({ values }));
  }

  async command(runtime: string, version: string, command: string, comment?: string): Promise<void> {
    await this.call("POST", `/runtimes/${runtime}/versions/${version}/${command}`, JSON.stringify({ comment }));
  }

  /** Deletes what is at this path of the API. */
  async delete(path: string): Promise<void> {
    await this.call("DELETE", path);
  }

  async waitForState(runtime: string, version: string, state: string): Promise<void> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const answer = (await this.call("GET", `/runtimes/${runtime}/versions/${version}`)) as Version;
      if (answer.state === state) return;
      if (Date.now() > deadline) throw new Error(`${version} is ${answer.state}, not ${state}`);
      await pause(50);
    }
  }

  private async call(method: string, path: string, body?: string | Uint8Array): Promise<unknown> {
    const type = typeof body === "string" ? "application/json" : "application/gzip";
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      body,
      headers: body === undefined ? {} : { "content-type": type },
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  private async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/readyz`)).ok;
    } catch {
      return false;
    }
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const ending = this.process;
    this.process = undefined;
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = new Promise((resolve) => ending.once("exit", resolve));
    ending.kill(signal);
    // A server that does not end by itself would keep the whole run from ending.
    const insist = setTimeout(() => ending.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(insist);
  }
}

/** This process's environment without settings of the server that a person may have in theirs. */
function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("KAI_")));
}

export function fromEnvironment(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; run these tests by \`make test-browser\``);
  return value;
}

/** Ports that nobody listens on now. All are held until the last is known, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const holders = await Promise.all(
    Array.from({ length: count }, async () => {
      const holder = createServer();
      await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
      return holder;
    }),
  );
  const ports = holders.map((holder) => {
    const address = holder.address();
    if (address === null || typeof address === "string") throw new Error("a listener without a port");
    return address.port;
  });
  await Promise.all(holders.map((holder) => new Promise((resolve) => holder.close(resolve))));
  return ports;
}
