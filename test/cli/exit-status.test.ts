import test from "ava";
import { EXIT_STATUS_OF, EXIT_STATUSES } from "../../cli/exit-status.ts";
import { ERRORS } from "../../pipeline/errors.ts";

test("EXIT_STATUS_OF gives every error code a status that is explained", (t) => {
  t.deepEqual(Object.keys(EXIT_STATUS_OF).toSorted(), Object.keys(ERRORS).toSorted());
  for (const status of Object.values(EXIT_STATUS_OF)) t.truthy(EXIT_STATUSES[status]);
});

for (const [prefix, status] of [
  ["SOURCE_", 3],
  ["DESTINATION_", 4],
  ["SCRATCH_", 5],
  ["PROGRAM_", 5],
] as const) {
  test(`EXIT_STATUS_OF ends every ${prefix}… with ${status}, so that scripts can tell them apart`, (t) => {
    const family = Object.entries(EXIT_STATUS_OF).filter(([code]) => code.startsWith(prefix));
    t.true(family.length >= 2);
    for (const [code, found] of family) t.is(found, status, code);
  });
}

test("no error ends with 0, with 1 (an answer), or as if by a signal", (t) => {
  for (const status of Object.values(EXIT_STATUS_OF)) t.true(status >= 2 && status < 128);
});
