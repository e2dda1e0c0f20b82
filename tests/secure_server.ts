/**
 * A NATS server that lets in who it knows, over TLS: what a user has, and not what the
 * programs start themselves.
 *
 * The certificates are valid until 2126, for `localhost` and `127.0.0.1`, on either side
 * of a connection. The authority's key is gone; new ones are made with
 *
 *     openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
 *       -keyout authority_key.pem -out authority.pem -days 36500 -subj "/CN=Orrery test CA" \
 *       -addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign
 *     openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
 *       -keyout host_key.pem -out host.csr -subj "/CN=orrery-test"
 *     printf '%s\n' basicConstraints=critical,CA:false keyUsage=critical,digitalSignature \
 *       subjectAltName=DNS:localhost,IP:127.0.0.1 extendedKeyUsage=serverAuth,clientAuth >host.ext
 *     openssl x509 -req -in host.csr -CA authority.pem -CAkey authority_key.pem \
 *       -CAcreateserial -out host.pem -days 36500 -extfile host.ext
 *
 * @module
 */
import { nkeys } from "@nats-io/nats-core";
import { findServer } from "../lib/nats_server/find_server.ts";
import { Program, REPOSITORY } from "./e2e.ts";

const FIXTURES = `${REPOSITORY}tests/fixtures/`;
export const CA = `${FIXTURES}authority.pem`;
export const CERT = `${FIXTURES}host.pem`;
export const KEY = `${FIXTURES}host_key.pem`;

export const USER = "ann";
/** With what is special in a URL, in JSON, and in a shell. */
export const PASSWORD = 'p@ss:w/rd "7" #$';

export interface SecureOptions {
  /** Whether it has TLS; by default it has. */
  readonly tls?: boolean;
  /** Whether clients have to have a certificate, too. */
  readonly verify?: boolean;
}

export class SecureServer implements AsyncDisposable {
  readonly port: number;
  /** A file with the seed of a second user. */
  readonly seed: string;
  readonly #folder: string;
  readonly #program: Program;
  readonly #text: (password: string) => string;

  private constructor(
    program: Program,
    { port, folder, text }: { port: number; folder: string; text: (password: string) => string },
  ) {
    this.#program = program;
    this.#folder = folder;
    this.#text = text;
    this.port = port;
    this.seed = `${folder}/user.nk`;
  }

  static async start({ tls = true, verify = false }: SecureOptions = {}): Promise<SecureServer> {
    const executable = await findServer({ progress: () => {} });
    const folder = await Deno.makeTempDir({ prefix: "orrery-secure-" });
    const user = nkeys.createUser();
    const seed = new TextDecoder().decode(user.getSeed());
    await Deno.writeTextFile(`${folder}/user.nk`, `# a comment\n${seed}\n`);
    const files = `cert_file: "${CERT}", key_file: "${KEY}", ca_file: "${CA}"`;
    const text = (password: string) => `
host: "127.0.0.1"
port: -1
max_payload: 8MB
max_pending: 256MB
jetstream { store_dir: ${JSON.stringify(folder)} }
${tls ? `tls { ${files}, verify: ${verify} }` : ""}
authorization {
  users: [
    { user: ${USER}, password: ${JSON.stringify(password)} }
    { nkey: ${user.getPublicKey()} }
  ]
}
`;
    const config = `${folder}/nats-server.conf`;
    await Deno.writeTextFile(config, text(PASSWORD));
    const program = new Program(executable, ["--config", config]);
    const line = await program.line(/Listening for client connections on/);
    await program.line(/Server is ready/);
    return new SecureServer(program, { port: Number(/(\d+)$/.exec(line)?.[1]), folder, text });
  }

  /** Where it is, for who has it all in the environment. */
  get url(): string {
    return `nats://localhost:${this.port}`;
  }

  /** From now on, the first user has another password. */
  async setPassword(password: string): Promise<void> {
    await Deno.writeTextFile(`${this.#folder}/nats-server.conf`, this.#text(password));
    this.#program.kill("SIGHUP");
  }

  /** Whether it has turned clients away so many times. */
  hasRefused(times: number): Promise<boolean> {
    const lines = this.#program.stderr.filter((line) => line.includes("authentication error"));
    return Promise.resolve(lines.length >= times);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}
