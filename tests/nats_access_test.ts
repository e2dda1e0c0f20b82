import { nkeys } from "@nats-io/nats-core";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { formatAddress, natsAccess, readSecrets } from "../lib/bus/nats_access.ts";
import { UserError } from "../lib/user_error.ts";

const PEM = "-----BEGIN CERTIFICATE-----\n";
const SEED = new TextDecoder().decode(nkeys.createUser().getSeed());
const DASHES = "-".repeat(6);
const FILES: Readonly<Record<string, string>> = {
  "ca.pem": `CA ${PEM}`,
  "cert.pem": `cert ${PEM}`,
  "key.pem": `key ${PEM}`,
  "user.nk": `# a user\n${SEED}\n`,
  "user.creds": [
    "-----BEGIN NATS USER JWT-----",
    "header.claims.signature",
    `${DASHES}END NATS USER JWT${DASHES}`,
    "",
    "-----BEGIN USER NKEY SEED-----",
    SEED,
    `${DASHES}END USER NKEY SEED${DASHES}`,
    "",
  ].join("\n"),
  "notes.txt": "nothing of the kind",
};

function read(env: Readonly<Record<string, string>>) {
  return readSecrets({
    env: (name) => env[name],
    readFile(path) {
      if (path in FILES) return new TextEncoder().encode(FILES[path]);
      throw new Deno.errors.NotFound("No such file");
    },
  });
}

function loginOf(env: Readonly<Record<string, string>>, nonce?: string) {
  const { login } = read(env);
  return { name: login?.name, ...login?.authenticator(nonce) };
}

Deno.test("readSecrets() takes who to be from the variables of the nats command line", () => {
  assertEquals(loginOf({ NATS_USER: "ann", NATS_PASSWORD: "secret" }), {
    name: 'user "ann" (NATS_USER)',
    user: "ann",
    pass: "secret",
  });
  assertEquals(loginOf({ NATS_USER: "t0ken" }), {
    name: "the token (NATS_USER)",
    auth_token: "t0ken",
  });
  assertEquals(loginOf({ NATS_TOKEN: "t0ken" }), {
    name: "the token (NATS_TOKEN)",
    auth_token: "t0ken",
  });
  const key = nkeys.fromSeed(new TextEncoder().encode(SEED));
  const sig = nkeys.encode(key.sign(new TextEncoder().encode("nonce")));
  assertEquals(loginOf({ NATS_NKEY: "user.nk" }, "nonce"), {
    name: "the user of user.nk (NATS_NKEY)",
    nkey: key.getPublicKey(),
    sig,
  });
  assertEquals(loginOf({ NATS_CREDS: "user.creds" }, "nonce"), {
    name: "the user of user.creds (NATS_CREDS)",
    jwt: "header.claims.signature",
    nkey: key.getPublicKey(),
    sig,
  });
});

Deno.test("readSecrets() takes an empty variable for none", () => {
  assertEquals(read({ NATS_USER: "", NATS_CA: "", NATS_CERT: "", NATS_KEY: "" }), {
    login: undefined,
    certificates: {},
  });
});

Deno.test("readSecrets() takes certificates from files", () => {
  const { certificates } = read({ NATS_CA: "ca.pem", NATS_CERT: "cert.pem", NATS_KEY: "key.pem" });
  assertEquals(certificates, {
    ca: FILES["ca.pem"],
    cert: FILES["cert.pem"],
    key: FILES["key.pem"],
  });
});

Deno.test("readSecrets() names the variable and the file that will not do", () => {
  const cases: [Record<string, string>, string][] = [
    [{ NATS_CA: "gone.pem" }, "Cannot read NATS_CA, gone.pem: No such file"],
    [{ NATS_CREDS: "gone.creds" }, "Cannot read NATS_CREDS, gone.creds: No such file"],
    [{ NATS_CREDS: "notes.txt" }, "NATS_CREDS, notes.txt: it holds no user's credentials"],
    [{ NATS_NKEY: "notes.txt" }, "NATS_NKEY, notes.txt: it holds no user's credentials"],
    [{ NATS_CA: "notes.txt" }, "Cannot use NATS_CA, notes.txt: it is no PEM file"],
    [{ NATS_CERT: "cert.pem" }, "NATS_CERT and NATS_KEY go together"],
    [{ NATS_TOKEN: "a", NATS_NKEY: "user.nk" }, "NATS_TOKEN and NATS_NKEY are set"],
  ];
  for (const [env, message] of cases) assertThrows(() => read(env), UserError, message);
});

Deno.test("natsAccess() takes URLs and plain addresses, one or several", () => {
  const access = natsAccess("localhost, nats://north:4333,nats://[::1]:4222");
  assertEquals(access.name, "nats://localhost,nats://north:4333,nats://[::1]:4222");
  assertEquals(access.addresses.map(formatAddress), ["localhost:4222", "north:4333", "[::1]:4222"]);
  assertEquals([access.login, access.tls], [undefined, undefined]);
});

Deno.test("natsAccess() takes a user from a URL, before that of the environment", () => {
  const secrets = read({ NATS_USER: "ann", NATS_PASSWORD: "secret" });
  const { login, name } = natsAccess("nats://bob:p%40ss@north:4222,east", secrets);
  assertEquals(login?.authenticator(), { user: "bob", pass: "p@ss" });
  assertEquals([login?.name, name], [
    `user "bob" (the server's URL)`,
    "nats://north:4222,nats://east",
  ]);
  assertEquals(natsAccess("nats://t0ken@north").login?.authenticator(), { auth_token: "t0ken" });
  assertEquals(natsAccess("nats://north", secrets).login, secrets.login);
  assertThrows(() => natsAccess("nats://a:1@north,nats://b:1@east"), UserError, "several users");
});

Deno.test("natsAccess() needs TLS where the URL says so, or certificates are given", () => {
  assertEquals(natsAccess("tls://north,nats://east").tls, {});
  const secrets = read({ NATS_CA: "ca.pem" });
  assertEquals(natsAccess("nats://north", secrets).tls, { ca: FILES["ca.pem"] });
});

Deno.test("natsAccess() says what is no server, without the password in it", () => {
  const wrong = [
    "ws://host",
    "nats://ann:s3cret@",
    "nats://ann:s3/cret@host",
    "nats://a:1?s3cret@h",
    "nats://ann:12,s3cret@h",
    "ann:s3,cret@h",
  ];
  for (const servers of wrong) {
    const error = assertThrows(() => natsAccess(servers), UserError, "Cannot use");
    assert(!error.message.includes("cret"), error.message);
    assertStringIncludes(error.message, "percent-encoded");
  }
});
