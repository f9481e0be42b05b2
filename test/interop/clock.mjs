// Libraries ask the machine's clock, and a case has a time of its own: at lets f run at a time, in seconds since 1970.
const Machine = Date;

export async function at(seconds, f) {
  globalThis.Date = class extends Machine {
    constructor(...parts) {
      super(...(parts.length ? parts : [seconds * 1000]));
    }
    static now() {
      return seconds * 1000;
    }
  };
  try {
    return await f();
  } finally {
    globalThis.Date = Machine;
  }
}

export const isDate = (v) => v instanceof Machine;
