import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vite";

// One entry, one manifest: Django reads dist/manifest.json and links the hashed files itself.
export default defineConfig({
  base: "/static/",
  plugins: [tailwindcss()],
  publicDir: false,
  build: {
    outDir: "dist",
    manifest: "manifest.json",
    target: "es2022",
    // Fonts and pictures stay files: the content security policy knows no data: fonts.
    assetsInlineLimit: 0,
    // The polyfill would be an inline script.
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ["portal/frontend/js/main.js", "portal/frontend/images/icon.svg"] },
  },
});
