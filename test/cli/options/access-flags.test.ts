import test from "ava";
import { parseAccess, s3Options } from "../../../cli/options/access-flags.ts";
import { testCli } from "../../support/cli.ts";
import { failure } from "../../support/errors.ts";

for (const [flags, options] of [
  [{}, {}],
  [{ signRequest: true }, {}],
  [{ signRequest: false }, { anonymous: true }],
  [{ url: "http://a" }, { endpoint: "http://a" }],
  [{ url: "http://a", endpointUrl: "http://b" }, { endpoint: "http://b" }],
  [{ region: "eu-central-1" }, { region: "eu-central-1" }],
  [{ region: "me@lab-1" }, { region: "lab-1" }],
  [
    { profile: "p", pathStyle: true },
    { profile: "p", pathStyle: true },
  ],
  [{ accessKeyId: "a", secretKey: "s" }, { credentials: { accessKeyId: "a", secretAccessKey: "s" } }],
  [
    { accessKeyId: "a", secretKey: "s", securityToken: "t" },
    { credentials: { accessKeyId: "a", secretAccessKey: "s", sessionToken: "t" } },
  ],
] as const) {
  test(`s3Options() reads ${JSON.stringify(flags)}`, (t) => {
    t.deepEqual(s3Options(flags, {}), options);
  });
}

test("s3Options() looks into the environment for the address, the most particular name first, flags before all", (t) => {
  const variables = { AWS_ENDPOINT_URL_S3: "http://1", AWS_ENDPOINT_URL: "http://2", S3_URL: "http://3" };
  t.is(s3Options({}, variables).endpoint, "http://1");
  t.is(s3Options({}, { ...variables, AWS_ENDPOINT_URL_S3: undefined }).endpoint, "http://2");
  t.is(s3Options({}, { S3_URL: "http://3" }).endpoint, "http://3");
  t.is(s3Options({ url: "http://0" }, variables).endpoint, "http://0");
});

for (const flags of [{ accessKeyId: "a" }, { secretKey: "secret" }]) {
  test(`s3Options() refuses ${Object.keys(flags).join()} alone with ARGUMENT_INVALID`, async (t) => {
    const error = await failure(() => s3Options(flags, {}));
    t.is(error.code, "ARGUMENT_INVALID");
    t.notRegex(error.message, /secret$/);
  });
}

test("parseAccess() opens standard input only when it is read", (t) => {
  let opened = 0;
  const cli = testCli();
  const environment = {
    ...cli,
    get input() {
      opened++;
      return cli.input;
    },
  };
  opened = 0;
  const access = parseAccess({}, environment);
  t.is(opened, 0);
  t.is(access.input, cli.input);
  t.is(opened, 1);
  t.is(access.output, cli.output.stream);
});
