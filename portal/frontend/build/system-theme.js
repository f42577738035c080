const LIGHT = /\[data-theme="?light"?\]/;
const EVERY_LIGHT = new RegExp(LIGHT, "g");

/**
 * The light theme is written once, under [data-theme="light"]. People who follow their system get a
 * copy of each such rule that holds while the system is light.
 */
export default function systemTheme() {
  return {
    postcssPlugin: "system-theme",
    OnceExit(root, { AtRule }) {
      const rules = [];
      root.walkRules(LIGHT, (rule) => rules.push(rule));
      for (const rule of rules) {
        const selector = rule.selector.replaceAll(EVERY_LIGHT, '[data-theme="system"]');
        const media = new AtRule({ name: "media", params: "(prefers-color-scheme: light)" });
        rule.after(media);
        media.append(rule.clone({ selector }));
      }
    },
  };
}
systemTheme.postcss = true;
