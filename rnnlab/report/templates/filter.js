(() => {
  const form = document.getElementById("filter");
  const rows = [...document.querySelectorAll(".mistakes > li")];
  const apply = () => {
    const words = form.words.value.trim().toLowerCase();
    const shown = rows.filter((row) => {
      const fits = !form.group.value || row.dataset.groups.split(" ").includes(form.group.value);
      row.hidden = !(fits && row.textContent.toLowerCase().includes(words));
      return !row.hidden;
    });
    form.querySelector("output").textContent = `${shown.length} of ${rows.length} {{ task.item }}s`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();
})();
