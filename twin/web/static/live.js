// Fetches the page anew every second while its content says that it changes.
const EVERY = 1000;

async function renew() {
  if (document.querySelector("[data-live]") === null) return;
  try {
    const answer = await fetch(location.href);
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.querySelector("#main").replaceWith(page.querySelector("#main"));
    }
  } catch {
    // The server is away for a moment; the next try finds it.
  }
  setTimeout(renew, EVERY);
}

setTimeout(renew, EVERY);
