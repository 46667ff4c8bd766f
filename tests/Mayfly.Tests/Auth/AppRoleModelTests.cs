using FsCheck;
using FsCheck.Fluent;
using Mayfly.Core.Auth.AppRole;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Auth;

/// <summary>Random sequences of AppRole operations, clock moves among them, against a model that is plainly right.</summary>
public sealed class AppRoleModelTests
{
    private const string Invalid = "invalid role or secret ID";

    [Fact]
    public void Every_sequence_of_operations_has_the_outcome_that_the_model_has()
    {
        var step =
            from kind in Gen.Choose(0, 11)
            from role in Gen.Choose(0, 2)
            from which in Gen.Choose(0, 5)
            from number in Gen.Choose(0, 4)
            select new Step(kind, $"r{role}", which, number);
        Prop.ForAll(Arb.From(Gen.ListOf(step, 60)), RunAsync)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(60).WithQuietOnSuccess(true));
    }

    private static async Task RunAsync(IEnumerable<Step> steps)
    {
        await using var approle = await AppRoleHarness.StartAsync();
        var model = new Model();
        foreach (var step in steps)
        {
            await ApplyAsync(approle, model, step);
            Assert.Equal(model.Roles.Keys.Order(StringComparer.Ordinal), await approle.ListAsync("role/"));
        }

        foreach (var (name, role) in model.Roles)
        {
            Assert.Equal(
                role.Secrets.Values.Select(secret => secret.Accessor).Order(StringComparer.Ordinal),
                await approle.ListAsync($"role/{name}/secret-id/")
            );
        }
    }

    private static async Task ApplyAsync(AppRoleHarness approle, Model model, Step step)
    {
        var now = approle.Engine.Time.GetUtcNow();
        var role = model.Roles.GetValueOrDefault(step.Role);
        switch (step.Kind)
        {
            case 0:
                role ??= model.Roles[step.Role] = new ModelRole();
                (role.Uses, role.Ttl) = (step.Number, step.Which * 20);
                await approle.WriteAsync(
                    $"role/{step.Role}",
                    $$"""{"secret_id_num_uses":{{role.Uses}},"secret_id_ttl":{{role.Ttl}}}"""
                );
                break;
            case 1 when step.Number == 0:
                model.Roles.Remove(step.Role);
                await approle.DeleteAsync($"role/{step.Role}");
                break;
            case 2:
                await SetRoleIdAsync(approle, model, step, role);
                break;
            case 3 or 4:
                await MakeAsync(approle, step, role, now, custom: step.Kind == 4);
                break;
            case 5:
                approle.Engine.Time.Advance(TimeSpan.FromSeconds((step.Number - 1) * 15));
                break;
            case 6:
                await approle.RunDueAsync();
                model.Sweep(now);
                break;
            case 7 when step.Number == 0:
                await approle.WriteAsync("tidy/secret-id");
                await ((AppRoleAuth)approle.Engine.Engine).TidyRun;
                model.Sweep(now);
                break;
            case 8 when role is not null && role.Pick(step.Which) is { } victim:
                await approle.WriteAsync($"role/{step.Role}/secret-id/destroy", $$"""{"secret_id":"{{victim.Key}}"}""");
                role.Secrets.Remove(victim.Key);
                break;
            case 9 or 10 or 11:
                await LoginAsync(approle, model, step, now);
                break;
            default:
                break;
        }
    }

    private static async Task SetRoleIdAsync(AppRoleHarness approle, Model model, Step step, ModelRole? role)
    {
        var roleId = $"id{step.Which}";
        var outcome = await approle.Engine.HandleAsync(
            Operation.Update,
            $"role/{step.Role}/role-id",
            $$"""{"role_id":"{{roleId}}"}"""
        );
        var taken = model.Roles.Values.Any(other => other != role && other.RoleId == roleId);
        Assert.Equal(role is not null && !taken, outcome.Succeeded);
        if (outcome.Succeeded)
        {
            role!.RoleId = roleId;
        }
    }

    private static async Task MakeAsync(
        AppRoleHarness approle,
        Step step,
        ModelRole? role,
        DateTimeOffset now,
        bool custom
    )
    {
        var uses = step.Number;
        var own = $"own{step.Which}";
        var outcome = await approle.Engine.HandleAsync(
            Operation.Update,
            $"role/{step.Role}/{(custom ? "custom-" : "")}secret-id",
            custom ? $$"""{"num_uses":{{uses}},"secret_id":"{{own}}"}""" : $$"""{"num_uses":{{uses}}}"""
        );
        var allowed =
            role is not null
            && (role.Uses == 0 || (uses > 0 && uses <= role.Uses))
            && !(custom && role.Secrets.TryGetValue(own, out var there) && there.IsAlive(now));
        Assert.Equal(allowed, outcome.Succeeded);
        if (allowed)
        {
            using var made = System.Text.Json.JsonDocument.Parse(outcome.Response!.Data);
            role!.Secrets[made.RootElement.GetProperty("secret_id").GetString()!] = new ModelSecret
            {
                Accessor = made.RootElement.GetProperty("secret_id_accessor").GetString()!,
                Uses = uses,
                Ends = role.Ttl == 0 ? null : now.AddSeconds(role.Ttl),
            };
        }
    }

    private static async Task LoginAsync(AppRoleHarness approle, Model model, Step step, DateTimeOffset now)
    {
        var role = model.Roles.GetValueOrDefault(step.Role);
        var roleId = role is null ? "nobody" : role.RoleId ?? await approle.RoleIdAsync(step.Role);

        // Mostly the role's own secret-ids; else those of any other.
        var secretId =
            (step.Kind == 11 ? model.Roles.Values.LastOrDefault() : role)?.Pick(step.Which)?.Key ?? $"own{step.Which}";
        var secret = role?.Secrets.GetValueOrDefault(secretId);
        // The model knows nothing of lockout, which has tests of its own.
        ((AppRoleAuth)approle.Engine.Engine).Unlock(roleId);
        var outcome = await approle.LoginAsync(roleId, secretId);
        if (secret is null || !secret.IsAlive(now))
        {
            Assert.Equal([Invalid], outcome.Fault!.Messages);
            return;
        }

        Assert.True(outcome.Succeeded);
        Assert.Equal(step.Role, outcome.Response!.Grant!.Metadata["role_name"]);
        if (secret.Uses == 1)
        {
            role!.Secrets.Remove(secretId);
        }
        else if (secret.Uses > 1)
        {
            secret.Uses--;
        }
    }

    private sealed record Step(int Kind, string Role, int Which, int Number);

    private sealed class Model
    {
        public Dictionary<string, ModelRole> Roles { get; } = new(StringComparer.Ordinal);

        public void Sweep(DateTimeOffset now)
        {
            foreach (var role in Roles.Values)
            {
                foreach (var (key, secret) in role.Secrets.ToArray())
                {
                    if (!secret.IsAlive(now))
                    {
                        role.Secrets.Remove(key);
                    }
                }
            }
        }
    }

    private sealed class ModelRole
    {
        public string? RoleId { get; set; }

        public int Uses { get; set; }

        public int Ttl { get; set; }

        public Dictionary<string, ModelSecret> Secrets { get; } = new(StringComparer.Ordinal);

        public KeyValuePair<string, ModelSecret>? Pick(int which) =>
            Secrets.Count == 0
                ? null
                : Secrets.OrderBy(pair => pair.Value.Accessor, StringComparer.Ordinal).ElementAt(which % Secrets.Count);
    }

    private sealed class ModelSecret
    {
        public required string Accessor { get; init; }

        public int Uses { get; set; }

        public DateTimeOffset? Ends { get; init; }

        public bool IsAlive(DateTimeOffset now) => Ends is null || now < Ends;
    }
}
