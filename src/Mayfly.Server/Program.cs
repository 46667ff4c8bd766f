using Mayfly.Server.Startup;

return await Main.RunAsync(args);
