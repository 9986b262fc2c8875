declare module "leasehold.wasm?url" {
  /** The address of the built module. */
  const address: string;
  export default address;
}
