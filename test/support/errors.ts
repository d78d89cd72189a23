import { ImportError } from "../../pipeline/errors.ts";

/** What `call` throws or rejects with, if it is an ImportError; anything else, also success, is an error of the test. */
export async function failure(call: () => unknown): Promise<ImportError> {
  try {
    await call();
  } catch (error) {
    if (error instanceof ImportError) return error;
    throw error;
  }
  throw new Error("Expected an ImportError, but the call succeeded");
}
