// The WebAssembly module as a function from a request to an answer. The playground and the tests use it.

/** The program has failed; the message says how. It cannot be used again. */
export class Failed extends Error {}

/** @param {BufferSource} bytes the module @returns {Promise<(request: object) => object>} */
export async function load(bytes) {
  const { instance } = await WebAssembly.instantiate(bytes, {});
  const { memory, sim_alloc, sim_run, sim_free, sim_failure } = instance.exports;
  const text = (place) => {
    const [at, length] = [Number(place >> 32n), Number(place & 0xffffffffn)];
    return new TextDecoder().decode(new Uint8Array(memory.buffer, at, length));
  };
  return (request) => {
    const bytes = new TextEncoder().encode(JSON.stringify(request));
    const at = sim_alloc(bytes.length);
    new Uint8Array(memory.buffer, at, bytes.length).set(bytes);
    try {
      const answer = JSON.parse(text(BigInt.asUintN(64, sim_run())));
      sim_free();
      return answer;
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) {
        throw new Failed(text(BigInt.asUintN(64, sim_failure())) || String(error));
      }
      throw error;
    }
  };
}
