/** Longest piece of output in which one figure can be split; a program that prints no figure is not hoarded. */
const MAX_CARRY = 64;

/**
 * Reads what `qemu-img -p` prints, `    (12.34/100%)\r` again and again, in chunks cut anywhere, and calls `report` with the
 * latest fraction from 0 to 1; never backwards, and nothing for what it cannot read.
 */
export function progressReader(report: (fraction: number) => void): (chunk: Uint8Array) => void {
  let carry = "";
  let reported = 0;
  return (chunk) => {
    const text = carry + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
    const figures = [...text.matchAll(/\((\d{1,3}(?:\.\d{1,4})?)\/100%\)/g)];
    const last = figures.at(-1);
    carry = text.slice(last === undefined ? 0 : last.index + last[0].length).slice(-MAX_CARRY);
    const fraction = Number(last?.[1]) / 100;
    if (fraction > reported && fraction <= 1) {
      reported = fraction;
      report(fraction);
    }
  };
}
