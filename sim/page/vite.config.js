// One script and one style sheet with fixed names: `sim` puts both into every page it writes.
export default {
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    cssCodeSplit: false,
    lib: { entry: "src/main.ts", formats: ["iife"], name: "Leasehold", fileName: () => "page.js", cssFileName: "page" },
  },
};
