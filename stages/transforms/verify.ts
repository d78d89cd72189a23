import type { Bytes, Stage } from "../../pipeline/contract.ts";
import { ImportError } from "../../pipeline/errors.ts";
import type { HashAlgorithm } from "../../pipeline/thread-tasks.ts";
import { streamHash } from "../threads/stream-hash.ts";

export interface VerifyOptions {
  readonly algorithm: HashAlgorithm;
  /** Hexadecimal, in either case. */
  readonly digest: string;
  /** Names the content in the message. */
  readonly what: string;
}

const DIGEST_DIGITS = { md5: 32, sha1: 40, sha256: 64 } as const satisfies Record<HashAlgorithm, number>;

/**
 * Passes bytes on, hashes them, and fails at the end unless the digest is the one stated: what has been passed on until
 * then must stay invisible, as drafts are. Throws CHECKSUM_MISMATCH. Pulls nothing ahead; hashing
 * follows in a thread of its own where there is one to spare.
 */
export function verify(options: VerifyOptions): Stage {
  const { algorithm, what } = options;
  const wanted = options.digest.toLowerCase();
  if (!/^[0-9a-f]*$/.test(wanted) || wanted.length !== DIGEST_DIGITS[algorithm]) {
    throw new RangeError(
      `A ${algorithm} digest must have ${DIGEST_DIGITS[algorithm]} hexadecimal digits: "${wanted}"`,
    );
  }
  return {
    name: "verify",
    async *transform(input, context): Bytes {
      await using hash = streamHash(algorithm, context);
      for await (const chunk of input) {
        await hash.update(chunk);
        yield chunk;
      }
      const found = await hash.digest();
      if (found !== wanted) {
        throw new ImportError(
          "CHECKSUM_MISMATCH",
          `Cannot accept "${what}" as its ${algorithm} is ${found}: ${wanted} is wanted`,
          {
            step: "verify",
            remedy: "Get the content again from where it was made; it was damaged on the way",
          },
        );
      }
    },
  };
}
