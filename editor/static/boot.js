// Sets the theme that was chosen here before anything is drawn.
const theme = localStorage.getItem("orrery.theme");
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
