import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type Server as HttpServer, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Page, expect } from "@playwright/test";
import Provider from "oidc-provider";

/** Where people sign in with any name and password. Its groups are the words of the name after the first: `mira ops dev`. */
export class IdentityProvider {
  private constructor(
    private readonly http: HttpServer,
    private readonly folder: string,
    /** Another site than the server's: `localhost` and `127.0.0.1` share no cookies. */
    readonly issuer: string,
  ) {}

  static async start(): Promise<IdentityProvider> {
    const http = createServer();
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const issuer = `http://localhost:${(http.address() as AddressInfo).port}`;
    const provider = new Provider(issuer, {
      claims: { openid: ["sub"], profile: ["name"], groups: ["groups"] },
      clients: [
        {
          client_id: "kai",
          client_secret: "browser-test",
          // Of a native client any port of a loopback address goes (RFC 8252 §7.3); the server's is not known yet.
          application_type: "native",
          redirect_uris: ["http://127.0.0.1/auth/oidc/callback"],
          post_logout_redirect_uris: ["http://127.0.0.1/sign-in"],
        },
      ],
      findAccount: (_, id) => {
        const [name, ...groups] = id.split(" ");
        return { accountId: id, claims: () => ({ sub: id, name, groups }) };
      },
    });
    http.on("request", provider.callback());
    const folder = await mkdtemp(join(tmpdir(), "kai-provider-"));
    await writeFile(join(folder, "secret"), "browser-test\n");
    return new IdentityProvider(http, folder, issuer);
  }

  /** How a server is told of it. */
  get settings(): Record<string, string> {
    return {
      KAI_LOGIN: "oidc",
      KAI_OIDC_ISSUER: this.issuer,
      KAI_OIDC_CLIENT_ID: "kai",
      KAI_OIDC_CLIENT_SECRET_FILE: join(this.folder, "secret"),
      KAI_OIDC_SCOPES: "openid profile groups",
      KAI_OIDC_ADMIN_GROUP: "admins",
      KAI_OIDC_NAME: "Example ID",
    };
  }

  /** Nothing answers any more. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.http.close(resolve));
    this.http.closeAllConnections();
    await closed;
  }

  async close(): Promise<void> {
    if (this.http.listening) await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** From the server's page to sign in to the provider's. */
  async goTo(page: Page): Promise<void> {
    // Its pages want a font from the Internet.
    await page.route("https://fonts.googleapis.com/**", (route) => route.fulfill({ contentType: "text/css", body: "" }));
    await page.route(`${this.issuer}/favicon.ico`, (route) => route.fulfill({ body: "" }));
    await page.getByRole("link", { name: "Sign in with Example ID" }).click();
    await expect(page).toHaveURL(new RegExp(`^${this.issuer}/`));
  }

  async signIn(page: Page, who: string): Promise<void> {
    await this.goTo(page);
    await this.enter(page, who);
  }

  /** What a person does on its pages. */
  async enter(page: Page, who: string): Promise<void> {
    await page.getByPlaceholder("Enter any login").fill(who);
    await page.getByPlaceholder("and password").fill("anything");
    await page.getByRole("button", { name: "Sign-in" }).click();
    await page.getByRole("button", { name: "Continue" }).click();
  }
}
