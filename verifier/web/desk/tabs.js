/**
 * The page's views, one at a time, by the address's fragment: #counter, #batch, #later, #about.
 */

/** Show the view that the address names, now and whenever it changes. */
export function mountTabs(main) {
  const tabs = [...document.querySelectorAll(".tabs__tab")];
  const views = [...main.querySelectorAll(".view")];
  const show = () => {
    const named = views.find((view) => `#${view.id}` === location.hash);
    const current = named ?? views[0];
    for (const view of views) view.hidden = view !== current;
    for (const tab of tabs) {
      if (tab.hash === `#${current.id}`) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
  };
  window.addEventListener("hashchange", show);
  show();
}
