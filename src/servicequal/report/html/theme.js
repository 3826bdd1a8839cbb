// Light or dark: as the system says, until somebody says otherwise.
import { byId } from "./dom.js";

const THEME_STORE = "servicequal-theme";

/** Make the switch work, and bring back what was chosen before. */
export function setUpTheme() {
  const button = byId("theme");
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try {
    chosen = localStorage.getItem(THEME_STORE);
  } catch {
    chosen = null;
  }
  const isDark = () => (chosen ? chosen === "dark" : system.matches);
  const show = () => {
    if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
    button.setAttribute("aria-pressed", String(isDark()));
  };
  button.addEventListener("click", () => {
    chosen = isDark() ? "light" : "dark";
    try {
      localStorage.setItem(THEME_STORE, chosen);
    } catch {
      // It lasts for this visit.
    }
    show();
  });
  system.addEventListener("change", show);
  show();
}
