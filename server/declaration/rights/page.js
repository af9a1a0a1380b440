// Fills in the consent id that the banner's window hands over behind the #, where no server and no log sees it.
const fill = () => {
  const id = /^#id=([0-9a-f-]{36})$/i.exec(location.hash)?.[1];
  const field = document.querySelector("#visitor");
  if (!id || !field) return;
  field.value = id;
  history.replaceState(null, "", location.pathname);
};
addEventListener("hashchange", fill);
fill();
