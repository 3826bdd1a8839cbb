// Where the page begins: unpack the list, follow the address.
import { byId } from "./dom.js";
import { loadListing } from "./data.js";
import { readRoute } from "./route.js";
import { restoreVerdicts } from "./verdicts.js";
import { setUpReview } from "./review.js";
import { applyFilters, refreshIfStale, setUpList } from "./list.js";
import { leaveConversation, setUpConversation, showConversation } from "./conversation.js";
import { setUpTheme } from "./theme.js";

// depth: steps of the history since the overview was left; null where the page began with a conversation.
const view = { listing: null, scroll: 0, depth: 0 };

async function follow() {
  const route = readRoute(location.hash);
  const returning = byId("overview").hidden;
  if (route.position !== undefined) {
    if (!returning) view.scroll = window.scrollY;
    rememberDepth();
    byId("overview").hidden = true;
    byId("conversation").hidden = false;
    await showConversation(view.listing, route.position, route.turn);
  } else {
    view.depth = 0;
    byId("overview").hidden = false;
    byId("conversation").hidden = true;
    leaveConversation();
    showOverview(route, returning);
  }
}

/** Keep with each entry of the history how far behind it the overview is. */
function rememberDepth() {
  if (history.state?.fromList !== undefined) {
    view.depth = history.state.fromList;
    return;
  }
  if (view.depth !== null) view.depth += 1;
  history.replaceState({ fromList: view.depth }, "");
}

function showOverview(route, returning) {
  if (route.filters) {
    applyFilters(route.filters);
    if (returning && view.scroll) window.scrollTo({ top: view.scroll, behavior: "instant" });
    else byId("list").scrollIntoView();
  } else if (returning) {
    refreshIfStale();
    const target = route.section ? byId(route.section) : null;
    if (target && !(route.section === "list" && view.scroll)) target.scrollIntoView();
    else window.scrollTo({ top: view.scroll, behavior: "instant" });
  }
}

async function start() {
  setUpTheme();
  restoreVerdicts();
  setUpReview();
  try {
    view.listing = await loadListing();
  } catch (error) {
    byId("count").textContent = `The list can't be unpacked (${error.message}); a current browser opens it.`;
    return;
  }
  setUpList(view.listing);
  setUpConversation(view.listing);
  window.addEventListener("hashchange", follow);
  if (readRoute(location.hash).position !== undefined) view.depth = null;
  if (location.hash) await follow();
  document.documentElement.dataset.ready = "true";
}

start();
