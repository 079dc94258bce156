/** What `import "fairlead"` finds on a runtime that is not Bun: the reason, instead of a syntax error in a TypeScript file. */
throw new Error(
  "fairlead runs on Bun >= 1.4, not on Node: start your file with `npx fairlead --run FILE`, or with bun",
);
