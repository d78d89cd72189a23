import test from "ava";
import { withSignal } from "../../pipeline/context.ts";
import { testContext } from "../support/context.ts";

test("withSignal() is aborted by either signal and keeps everything else", (t) => {
  const [outer, inner] = [new AbortController(), new AbortController()];
  const context = testContext({ signal: outer.signal });
  const both = withSignal(context, inner.signal);
  t.is(both.scratch, context.scratch);
  t.false(both.signal.aborted);
  inner.abort(new Error("inner"));
  t.true(both.signal.aborted);
  t.false(context.signal.aborted);
  outer.abort();
  t.true(withSignal(context, new AbortController().signal).signal.aborted);
});
