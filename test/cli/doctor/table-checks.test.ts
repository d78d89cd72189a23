import test from "ava";
import { tables } from "../../../cli/doctor/table-checks.ts";
import { withRun } from "../../../worker/run-context.ts";

test("tables finds a converter for every format and a status for every error, and says how many", async (t) => {
  const signal = new AbortController().signal;
  const { ok, detail } = await withRun({ signal }, (context) => tables.look(context, {}));
  t.true(ok);
  const [formats = 0, errors = 0] = (detail.match(/\d+/g) ?? []).map(Number);
  t.true(formats >= 6 && errors >= 40, detail);
});
