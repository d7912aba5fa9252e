(() => {
  const form = document.getElementById("read");
  const answer = document.getElementById("answer");
  const heard = document.getElementById("heard");  // a screen reader hears the verdict, not every word again
  let waiting, asked;
  const read = async () => {
    asked?.abort();
    asked = new AbortController();
    answer.classList.add("stale");
    try {
      const reply = await fetch("answer", { method: "POST", body: new URLSearchParams(new FormData(form)), signal: asked.signal });
      answer.innerHTML = reply.ok ? await reply.text() : "<p class=\"lead\">What was typed was refused: it is too long.</p>";
      heard.textContent = answer.querySelector(".lead").textContent;
      answer.classList.remove("stale");
    } catch (failure) {
      if (failure.name !== "AbortError") answer.textContent = "The page is no longer served: start it again with make demo.";
    }
  };
  form.text.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(read, 150);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    read();
  });
})();
