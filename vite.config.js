import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vite";

import systemTheme from "./portal/frontend/build/system-theme.js";

// One entry for every page and one for pages with charts, one manifest: Django reads dist/manifest.json and links the hashed files itself.
export default defineConfig({
  base: "/static/",
  plugins: [tailwindcss()],
  publicDir: false,
  css: { postcss: { plugins: [systemTheme()] } },
  build: {
    outDir: "dist",
    manifest: "manifest.json",
    target: "es2022",
    // Fonts and pictures stay files: the content security policy knows no data: fonts.
    assetsInlineLimit: 0,
    // The polyfill would be an inline script.
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: [
        "portal/frontend/js/main.js",
        "portal/frontend/js/chart.js",
        "portal/frontend/js/console.js",
        "portal/frontend/css/gallery.css",
        "portal/frontend/js/entrance.js",
        "portal/frontend/js/searchable.js",
        "portal/frontend/js/settings.js",
        "portal/frontend/css/admin.css",
        "portal/frontend/images/icon.svg",
      ],
    },
  },
});
