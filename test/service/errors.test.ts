import test from "ava";
import { ERRORS, type ErrorCode } from "../../pipeline/errors.ts";
import { SERVICE_ERRORS } from "../../service/errors.ts";

const codes = Object.keys(SERVICE_ERRORS).filter((code): code is ErrorCode => code in ERRORS);

test("SERVICE_ERRORS has a line for every error code and no other", (t) => {
  t.deepEqual(Object.keys(SERVICE_ERRORS).toSorted(), Object.keys(ERRORS).toSorted());
});

for (const code of codes) {
  const { fixer, retryable } = ERRORS[code];
  const { httpStatus, taskMessage, ec2Code } = SERVICE_ERRORS[code];
  test(`SERVICE_ERRORS tells of ${code} in agreement with who can fix it`, (t) => {
    t.is(httpStatus === 503, retryable && code !== "PROGRAM_TIMED_OUT");
    if (fixer === "image owner") t.regex(taskMessage, /^ClientError: /, "the owner of an image is a client");
    if (fixer === "developer") t.regex(taskMessage, /^ServerError: /);
    t.is(
      taskMessage.startsWith("ServerError"),
      httpStatus >= 500,
      "the class of the text is that of the status",
    );
    t.regex(ec2Code, /^[A-Z][A-Za-z.]+$/);
    t.notRegex(taskMessage, /[.[\]]$/, "the error's own message follows in brackets");
  });
}
